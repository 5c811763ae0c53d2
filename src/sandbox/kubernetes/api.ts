import { type Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { UnavailableError } from '../../errors.ts';

/** Credentials for one request; asked for each time, since tokens and certificates expire. */
interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  /** Keeps connections alive between requests and carries certificate authority, client certificate and proxy. */
  readonly agent: Agent;
}

/** Where an API server is and how to be let in. */
export interface Access {
  /** Base address, for example `https://10.0.0.1:6443`; a path in it is kept. */
  readonly server: string;
  readonly credentials: () => Promise<Credentials>;
}

export interface ApiRequest {
  /** PATCH is a server-side apply. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the server, for example `/api/v1/namespaces/default`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** What the API server said; every HTTP status is an answer, and only silence is an error. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The REST side of one cluster, over connections that are reused. */
export interface Api {
  readonly server: string;
  /** Resolves to the answer; throws UnavailableError when there was none within 15 s. */
  send(request: ApiRequest): Promise<Answer>;
  /**
   * Opens an answer to be read as it comes. Throws UnavailableError when none begins, and destroys the stream when
   * nothing arrives for `silenceMs`.
   */
  open(request: ApiRequest, silenceMs: number): Promise<IncomingMessage>;
  /** Drops every connection, also those in use. */
  close(): void;
}

const answerTimeoutMs = 15_000;

export function kubernetesApi(access: Access): Api {
  const agents = new Set<Agent>();
  const open = async (request: ApiRequest, silenceMs: number) => {
    const credentials = await access.credentials();
    agents.add(credentials.agent);
    try {
      return await exchange(access.server, credentials, request, silenceMs);
    } catch (error) {
      throw silent(access.server, error);
    }
  };
  return {
    server: access.server,
    open,
    send: async (request) => {
      const deadline = AbortSignal.timeout(answerTimeoutMs);
      const signal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]);
      const response = await open({ ...request, signal }, answerTimeoutMs);
      try {
        return await answerOf(response);
      } catch (error) {
        throw silent(access.server, error);
      }
    },
    close: () => {
      for (const agent of agents) agent.destroy();
    },
  };
}

/** Reads an opened answer to its end; for those that turn out to be a refusal. */
export async function answerOf(response: IncomingMessage): Promise<Answer> {
  return { status: response.statusCode ?? 0, body: parse(await buffer(response)) };
}

/**
 * The server closes idle connections when it likes, after a restart all of them; a request that met such a one is sent
 * again. That ends: each takes itself out of the pool, and what a new connection suffers is an error.
 */
async function exchange(
  server: string,
  credentials: Credentials,
  request: ApiRequest,
  silenceMs: number,
): Promise<IncomingMessage> {
  for (;;) {
    const tried = await attempt(server, credentials, request, silenceMs);
    if (tried !== 'stale') return tried;
  }
}

function attempt(
  server: string,
  { headers, agent }: Credentials,
  { method, path, query, body, signal }: ApiRequest,
  silenceMs: number,
): Promise<IncomingMessage | 'stale'> {
  const url = new URL(`${server.replace(/\/+$/, '')}${path}`);
  url.search = new URLSearchParams(query).toString();
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const described =
    content === undefined ? {} : { 'content-type': contentTypeOf(method), 'content-length': content.length };
  const send = url.protocol === 'http:' ? requestHttp : requestHttps;
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method,
      agent,
      headers: { accept: 'application/json', 'user-agent': 'gke-code-executor', ...described, ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
    request.setTimeout(silenceMs, () => request.destroy(new Error(`nothing was heard for ${silenceMs / 1000} s`)));
    request.on('response', resolve);
    request.on('error', (error) => {
      const stale = request.reusedSocket && signal?.aborted !== true && hasCode(error, ['ECONNRESET', 'EPIPE']);
      if (stale) resolve('stale');
      else reject(error);
    });
    request.end(content);
  });
}

/** JSON is YAML. */
function contentTypeOf(method: ApiRequest['method']): string {
  return method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
}

function hasCode(error: Error, codes: readonly string[]): boolean {
  return 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

function parse(body: Buffer): unknown {
  const text = body.toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    // A proxy in between answers in its own words; they are shown as they are.
    return text;
  }
}

/** An abort is the caller's own doing and stays what it is; all else means that the cluster did not answer. */
function silent(server: string, error: unknown): unknown {
  if (!(error instanceof Error) || (error.name === 'AbortError' && !timedOut(error))) return error;
  const why = timedOut(error) ? `no answer within ${answerTimeoutMs / 1000} s` : describe(error);
  const fix = 'check that it runs and can be reached from here, for example with "kubectl cluster-info"';
  return new UnavailableError(`cannot reach the cluster at ${server} (${why}): ${fix}`, { cause: error });
}

function timedOut(error: Error): boolean {
  return error.name === 'TimeoutError' || (error.cause instanceof Error && error.cause.name === 'TimeoutError');
}

/** A host with several addresses fails with one error for each, and an empty message of its own. */
function describe(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((each: unknown) => String(each)).join(', ');
  return error.message;
}
