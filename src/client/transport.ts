import { setTimeout as sleep } from 'node:timers/promises';
import { readBounded } from '../bounded.ts';
import { UnavailableError } from '../errors.ts';
import { limits } from '../execution/limits.ts';
import { maximumWaitSeconds } from '../http/prefer.ts';
import { explainFailure } from './failure.ts';

export interface ServerAddress {
  /** Where the server answers, for example `http://127.0.0.1:8080`; a path is kept as prefix. */
  readonly server: URL;
  readonly apiKey?: string;
}

interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** From the server's address on, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sent as `Prefer: wait`. */
  readonly waitSeconds?: number;
}

/** A whole answer: a connection that breaks in its middle was no answer. */
export interface Answer {
  readonly server: string;
  readonly status: number;
  /** Media type without parameters; empty when there is none. */
  readonly type: string;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  /** An attempt before this one may have been served. */
  readonly repeated: boolean;
}

/** Sends a request, which must be safe to repeat, again after lost connections and 408, 429, 502, 503 and 504. */
export type Send = (request: HttpRequest) => Promise<Answer>;

const retries = { attempts: 6, firstDelayMs: 200, longestDelayMs: 10_000 };
/** Seconds beyond the wait asked for, after which an answer is not coming. */
const answerSeconds = 30;

/** Makes the `Send` of a server. Throws UnavailableError for an address or key that no request could use. */
export function transport({ server, apiKey }: ServerAddress): Send {
  checkAddress(server, apiKey);
  const base = new URL(server.href.replace(/\/*$/, '/'));
  const authorization = apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` };
  let reached = false;
  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      const outcome = await fetchWhole(base, request, authorization).catch((error: unknown) =>
        explainFailure(error, base.origin),
      );
      const failed = 'curable' in outcome;
      reached ||= !failed;
      // A server that was never there is rather a wrong address than one that restarts.
      const curable = failed ? outcome.curable && (reached || !outcome.refused) : isTransient(outcome.status);
      if (!curable || attempt >= retries.attempts) {
        if (failed) throw outcome.error;
        return { ...outcome, repeated: attempt > 1 };
      }
      await sleep(delayMs(attempt, failed ? null : outcome.headers.get('retry-after')));
    }
  };
}

function checkAddress(server: URL, apiKey: string | undefined): void {
  if (server.protocol !== 'http:' && server.protocol !== 'https:') {
    throw new UnavailableError(`${server.protocol} cannot be spoken to: the server is an http:// or https:// address`);
  }
  if (server.username !== '' || server.password !== '') {
    throw new UnavailableError('the address of the server must not contain a user or password: give an API key');
  }
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new UnavailableError('the API key has characters that no key has: check for spaces, line ends and quotes');
  }
}

async function fetchWhole(
  base: URL,
  request: HttpRequest,
  authorization: Record<string, string>,
): Promise<Omit<Answer, 'repeated'>> {
  const { method, path, headers, body, waitSeconds } = request;
  const wait = waitSeconds === undefined ? undefined : Math.min(Math.ceil(waitSeconds), maximumWaitSeconds);
  const response = await fetch(new URL(path.slice(1), base), {
    method,
    headers: { ...headers, ...authorization, ...(wait === undefined ? {} : { Prefer: `wait=${wait}` }) },
    ...(body === undefined ? {} : { body }),
    // The key must not travel on to where a redirect points.
    redirect: 'manual',
    signal: AbortSignal.timeout(((wait ?? 0) + answerSeconds) * 1000),
  });
  return {
    server: base.origin,
    status: response.status,
    type: (response.headers.get('content-type') ?? '').split(';', 1).join('').trim().toLowerCase(),
    headers: response.headers,
    bytes: await wholeBody(response, base.origin),
  };
}

/** Both streams and the output files, which are there a second time as results; a byte has at most six in JSON text. */
const maximumAnswerBytes =
  6 * (limits.maxStdoutBytes.maximum + limits.maxStderrBytes.maximum + 2 * limits.maxOutputFileBytes.maximum);

async function wholeBody({ body }: Response, origin: string): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const bytes = await readBounded(body, maximumAnswerBytes);
  if (bytes !== undefined) return new Uint8Array(bytes);
  throw new UnavailableError(`${origin} answers with more than gke-code-executor ever does: check the address`);
}

function isTransient(status: number): boolean {
  return status === 408 || status === 429 || status === 502 || status === 503 || status === 504;
}

/** Doubles with each attempt; the random half keeps clients apart that failed together. */
function delayMs(attempt: number, retryAfter: string | null): number {
  const asked = /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) * 1000 : 0;
  const own = retries.firstDelayMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
  return Math.min(Math.max(asked, own), retries.longestDelayMs);
}
