import { once } from 'node:events';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { onTestFinished } from 'vitest';

/** Serves the function that was registered last, by that name, as the functions framework does; ends with the test. */
export async function served(name: string): Promise<URL> {
  const server = getTestServer(name).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return new URL(`http://127.0.0.1:${address.port}/`);
}
