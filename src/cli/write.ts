/** Writes all bytes and waits until they are out, so that exiting afterwards cuts nothing; a closed pipe is not an error. */
export function write(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? resolve() : reject(error));
    stream.once('error', onError);
    stream.write(bytes, (error) => {
      if (error) return;
      stream.off('error', onError);
      resolve();
    });
  });
}
