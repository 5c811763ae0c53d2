/** All bytes of a source; undefined where they are more than `maximum`, and the rest of them is not read. */
export async function readBounded(source: AsyncIterable<Uint8Array>, maximum: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > maximum) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
