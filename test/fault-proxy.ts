import { once } from 'node:events';
import { createServer, type IncomingMessage, request as requestHttp, type ServerResponse } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostOf } from './tcp-proxy.ts';

/** What can happen to a request on its way: before it has an effect, after it, or twice. */
export const faults = ['cut', 'delay', 'throttled', 'failed', 'answer lost', 'twice', 'broken off'] as const;
export type Fault = (typeof faults)[number];

export interface FaultProxyOptions {
  readonly target: string;
  /** For a target with TLS. */
  readonly tls?: Pick<RequestOptions, 'ca' | 'cert' | 'key'>;
  /** The fault of the next request; undefined lets it pass. */
  readonly next: () => Fault | undefined;
  /** Hears of every request, as `GET /path`; it goes on when that resolves. */
  readonly before?: (request: string) => Promise<void> | void;
  /** Hears that it was answered, before its sender does. */
  readonly after?: (request: string) => Promise<void> | void;
}

export interface FaultProxy extends AsyncDisposable {
  readonly url: string;
  /** How often each fault happened. */
  readonly counts: ReadonlyMap<Fault, number>;
}

/** Stands in front of an HTTP server and harms some of the requests to it. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const counts = new Map<Fault, number>();
  const server = createServer((incoming, outgoing) => {
    const fault = options.next();
    if (fault !== undefined) counts.set(fault, (counts.get(fault) ?? 0) + 1);
    // Whatever breaks here is one more fault.
    handle(incoming, outgoing, options, fault).catch(() => incoming.socket.destroy());
  });
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://${hostOf(server)}`,
    counts,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function handle(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: FaultProxyOptions,
  fault: Fault | undefined,
): Promise<void> {
  const body = await buffer(incoming);
  const request = `${incoming.method} ${incoming.url}`;
  await options.before?.(request);
  if (fault === 'cut') {
    incoming.socket.destroy();
    return;
  }
  if (fault === 'throttled' || fault === 'failed') {
    outgoing.writeHead(fault === 'throttled' ? 429 : 500, { 'Retry-After': '1' }).end();
    return;
  }
  if (fault === 'delay') await sleep(1_000 + Math.random() * 2_000);
  if (fault === 'twice') (await forwarded(incoming, body, options)).resume();
  const answer = await forwarded(incoming, body, options);
  await options.after?.(request);
  if (fault === 'answer lost') {
    answer.resume();
    incoming.socket.destroy();
    return;
  }
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  outgoing.flushHeaders();
  outgoing.on('close', () => answer.destroy());
  answer.on('error', () => outgoing.destroy());
  if (fault === 'broken off') setTimeout(() => outgoing.destroy(), Math.random() * 3_000);
  answer.pipe(outgoing);
}

function forwarded(incoming: IncomingMessage, body: Buffer, options: FaultProxyOptions): Promise<IncomingMessage> {
  const url = new URL(incoming.url ?? '/', options.target);
  const { host: _, ...headers } = incoming.headers;
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = send(url, { method: incoming.method, headers: { ...headers, host: url.host }, ...options.tls });
  request.on('response', resolve).on('error', reject).end(body);
  return promise;
}
