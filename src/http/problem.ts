import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  ExecutionGoneError,
  ExecutionOpenError,
  IdempotencyConflictError,
  InvalidRequestError,
  UnavailableError,
} from '../errors.ts';

/** Every kind of problem that this API answers with. */
const kinds = {
  'malformed-request': { status: 400, title: 'The request is malformed' },
  unauthorized: { status: 401, title: 'An API key is needed' },
  'cross-site-request': { status: 403, title: 'Web pages of other sites are refused' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'unknown-execution': { status: 404, title: 'There is no such execution' },
  'unknown-file': { status: 404, title: 'There is no such file' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'execution-open': { status: 409, title: 'The execution has not ended' },
  gone: { status: 410, title: 'The execution was deleted' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be plain JSON' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  'unknown-host': { status: 421, title: 'This server does not go by that name' },
  'invalid-request': { status: 422, title: 'The request is invalid' },
  'idempotency-conflict': { status: 422, title: 'The idempotency key was used for another request' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'internal-error': { status: 500, title: 'The server failed' },
  unavailable: { status: 503, title: 'The server cannot do this now' },
} as const;
export type ProblemKind = keyof typeof kinds;

const problemTypePrefix = 'tag:gke-code-executor,2026:problem/';

/** The stable `type` of a kind of problem, a tag URI (RFC 4151). */
export function problemType(kind: ProblemKind): string {
  return `${problemTypePrefix}${kind}`;
}

/** One thing wrong, at a place in the body (RFC 6901), in the query or in a header. */
const entrySchema = z.object({
  pointer: z.string().optional(),
  parameter: z.string().optional(),
  header: z.string().optional(),
  detail: z.string(),
});
export type ProblemEntry = Readonly<z.infer<typeof entrySchema>>;

/** An `application/problem+json` document (RFC 9457). */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** Names this one occurrence; the server's log names it too. */
  instance: z.string(),
  errors: z.array(entrySchema).optional(),
  /** The execution that an idempotency key belongs to which cannot be used, or that cannot be shown or deleted. */
  executionId: z.string().optional(),
});
export type ProblemDocument = Readonly<z.infer<typeof problemSchema>>;

interface ProblemExtras {
  readonly errors?: readonly ProblemEntry[];
  readonly executionId?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown anywhere below a route; answered as the problem it names. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly kind: ProblemKind;
  readonly extras: ProblemExtras;
  constructor(kind: ProblemKind, detail: string, { cause, ...extras }: ProblemExtras & ErrorOptions = {}) {
    super(detail, { cause });
    this.kind = kind;
    this.extras = extras;
  }
}

/** Nothing that is answered may be kept, sniffed, framed or read by another site. */
export const safeHeaders = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/** A problem as status, headers and body, for whatever writes it. */
export function renderProblem({ kind, message, extras }: ProblemError): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly instance: string;
} {
  const { headers = {}, ...members } = extras;
  const instance = `urn:uuid:${randomUUID()}`;
  const body = JSON.stringify({ type: problemType(kind), ...kinds[kind], detail: message, instance, ...members });
  return {
    status: kinds[kind].status,
    headers: {
      ...safeHeaders,
      'Content-Type': 'application/problem+json',
      'Content-Length': String(Buffer.byteLength(body)),
      ...headers,
    },
    body,
    instance,
  };
}

/** Called with each error that is no answer to the caller's mistake, and the `instance` that the caller was told. */
export type OnError = (error: unknown, instance: string) => void;

/** Answers any error; what is neither the caller's fault nor a known outage is reported and shown without detail. */
export function answerError(error: unknown, onError: OnError): Response {
  const known = toProblem(error);
  const { status, headers, body, instance } = renderProblem(
    known ?? new ProblemError('internal-error', 'the server failed; its log has the reason under this instance'),
  );
  if (known === undefined || known.kind === 'unavailable') onError(error, instance);
  return new Response(body, { status, headers });
}

function toProblem(error: unknown): ProblemError | undefined {
  if (error instanceof ProblemError) return error;
  if (error instanceof InvalidRequestError) {
    const errors = error.problems.map(({ pointer, message }) => ({ pointer, detail: message }));
    return new ProblemError('invalid-request', error.message, { errors });
  }
  if (error instanceof IdempotencyConflictError) {
    return new ProblemError('idempotency-conflict', error.message, { executionId: error.executionId });
  }
  if (error instanceof ExecutionGoneError) {
    return new ProblemError('gone', error.message, { executionId: error.executionId });
  }
  if (error instanceof ExecutionOpenError) {
    return new ProblemError('execution-open', error.message, { executionId: error.executionId });
  }
  if (error instanceof UnavailableError) {
    return new ProblemError('unavailable', error.message, { headers: { 'Retry-After': '2' } });
  }
  return undefined;
}
