import { once } from 'node:events';
import { createServer } from 'node:http2';
import { hostOf } from '../tcp-proxy.ts';

/** ListenResponse { target_change { target_change_type: REMOVE, cause { code: 7 } } } in a frame of gRPC. */
const refusedTarget = Buffer.from('0000000008120608021a020807', 'hex');

/** A Firestore that gives nobody a right: calls end with status 7, and targets that are listened to are removed with it. */
export async function startRefusing() {
  const server = createServer();
  server.on('stream', (stream, { ':path': path }) => {
    // A client may break its connection at any moment; a stream of it then fails, and nobody waits for that.
    stream.on('error', () => {});
    const headers = { ':status': 200, 'content-type': 'application/grpc' };
    const status = { 'grpc-status': '7', 'grpc-message': 'Missing or insufficient permissions.' };
    if (path?.endsWith('/Listen') !== true) {
      stream.respond({ ...headers, ...status }, { endStream: true });
      return;
    }
    stream.respond(headers);
    stream.write(refusedTarget);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { host: hostOf(server), [Symbol.asyncDispose]: async () => void server.close() };
}
