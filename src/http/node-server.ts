import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { answerError, type OnError, ProblemError, renderProblem } from './problem.ts';

/** How long the server bears with a connection, in milliseconds. */
export interface Patience {
  /** For all headers to arrive, from the connection's first moment. */
  readonly headersMs: number;
  /** For the whole request to arrive; how long it is then worked on is another matter. */
  readonly requestMs: number;
  /** For a next request. */
  readonly keepAliveMs: number;
  /** For any byte to move while an answer is under way; longer than the longest wait. */
  readonly stalledMs: number;
  /** For answers under way, once the server is closing. */
  readonly closingMs: number;
}

export const defaultPatience: Patience = {
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 15_000,
  stalledMs: 120_000,
  closingMs: 5_000,
};

/** Bytes of the request line and headers together. */
const maximumHeaderBytes = 16 * 1024;
/** Milliseconds for a client to read why it is refused, before its connection is cut. */
const lingerMs = 250;

type Fetch = Parameters<typeof getRequestListener>[0];

/** A node server, not listening yet, that answers even broken requests with problem documents; `close` ends it. */
export function nodeServer(fetch: Fetch, onError: OnError, patience: Patience) {
  const server = createServer({
    maxHeaderSize: maximumHeaderBytes,
    headersTimeout: patience.headersMs,
    requestTimeout: patience.requestMs,
    keepAliveTimeout: patience.keepAliveMs,
    connectionsCheckingInterval: Math.ceil(Math.min(patience.headersMs, patience.requestMs) / 4),
    // Ours to check, so that the refusal is a problem document too.
    requireHostHeader: false,
  });
  server.setTimeout(patience.stalledMs);
  const exchanges = trackExchanges(server);
  server.on('request', requestListener(fetch, onError));
  server.on('checkExpectation', (_, outgoing) => {
    const problem = new ProblemError('expectation-failed', '100-continue is the only expectation that can be met');
    const { status, headers, body } = renderProblem(problem);
    outgoing.writeHead(status, headers).end(body);
  });
  server.on('clientError', (error, socket) => refuse(error, socket, exchanges));
  return { server, close: () => close(server, exchanges, patience.closingMs) };
}

/** Answers a node server's requests; what fails before or in `fetch` is answered with a problem document. */
export function requestListener(fetch: Fetch, onError: OnError): RequestListener {
  const listener = getRequestListener(fetch, {
    overrideGlobalObjects: false,
    errorHandler: (error) => answerError(asProblem(error), onError),
  });
  return (incoming, outgoing) => void listener(incoming, outgoing);
}

interface Exchanges {
  readonly sockets: ReadonlySet<Socket>;
  readonly open: ReadonlyMap<ServerResponse, IncomingMessage>;
}

function trackExchanges(server: Server): Exchanges {
  const sockets = new Set<Socket>();
  const open = new Map<ServerResponse, IncomingMessage>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', (incoming, outgoing) => {
    open.set(outgoing, incoming);
    outgoing.once('close', () => open.delete(outgoing));
  });
  return { sockets, open };
}

/** What the adapter throws before the app sees a request: no host, or a target that is no URL. */
function asProblem(error: unknown): unknown {
  if (!(error instanceof Error && error.name === 'RequestError')) return error;
  return new ProblemError('malformed-request', 'the request target or the Host header is missing or malformed');
}

/** Answers what the parser gave up on; the connection cannot be used any more. */
function refuse(error: Error, socket: Duplex, { open }: Exchanges): void {
  // What a refused client goes on to send is an error each time; it has its answer.
  if (socket.writableEnded) return;
  // An answer that is owed to an earlier request of this connection would be taken for this one.
  const owed = [...open].some(
    ([out, incoming]) => incoming.socket === socket && (incoming.complete || out.headersSent),
  );
  if (!socket.writable || owed) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = renderProblem(parserProblem('code' in error ? error.code : ''));
  const lines = Object.entries({ ...headers, Connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  // Closing at once would reset the connection under unread input, and the answer would be lost with it.
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

function parserProblem(code: unknown): ProblemError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new ProblemError('headers-too-large', `the headers have more than ${maximumHeaderBytes} bytes`);
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ProblemError('request-timeout', 'the request did not arrive in time');
  }
  return new ProblemError('malformed-request', 'this is not a valid HTTP/1.1 request');
}

/** Ends idle connections at once and the others with their answers, at the latest after `patienceMs`. */
async function close(server: Server, { sockets, open }: Exchanges, patienceMs: number): Promise<void> {
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  for (const [outgoing, { socket }] of open) {
    if (!outgoing.headersSent) outgoing.setHeader('Connection', 'close');
    // A stream has promised to keep the connection.
    else outgoing.once('close', () => socket.end());
  }
  const busy = new Set<Duplex>([...open.values()].map((incoming) => incoming.socket));
  for (const socket of sockets) if (!busy.has(socket)) socket.destroy();
  const cut = setTimeout(() => server.closeAllConnections(), patienceMs);
  await closed.promise;
  clearTimeout(cut);
}
