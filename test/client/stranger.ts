import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { httpExecutor } from '../../src/client/client.ts';
import { UnavailableError } from '../../src/errors.ts';

/** Listens on a free loopback port. */
export async function start(server: Server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A server that is not ours, and a client of it. */
export async function stranger(answer: RequestListener) {
  const server = await start(createServer(answer));
  const client = httpExecutor({ server: new URL(`http://127.0.0.1:${server.port}`), apiKey: 'key' });
  return { ...server, client };
}

/** The one sentence that a call fails with. */
export async function failure(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof UnavailableError)) throw new Error(`expected UnavailableError, got ${error}`);
  expect(error.message).not.toContain('\n');
  return error.message;
}

/** Passes a request on to another server. */
export async function relay(url: URL, ...[request, response]: Parameters<RequestListener>): Promise<void> {
  const headers = new Headers();
  for (const name of ['content-type', 'idempotency-key']) {
    const value = request.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  const { method = 'GET' } = request;
  const body = await text(request);
  const answer = await fetch(new URL(request.url ?? '', url), { method, headers, ...(body === '' ? {} : { body }) });
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
}
