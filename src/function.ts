import type { Hono } from 'hono';
import { type Bell, type Poison, parseBell, parsePush, type Received, refuseOld } from './bus/envelope.ts';
import { registerFunction } from './function-server.ts';
import { readBytes, requireIdentity } from './http/body.ts';
import { requestListener } from './http/node-server.ts';
import { answerError, ProblemError } from './http/problem.ts';
import { jsonLog } from './log.ts';
import { once } from './once.ts';
import { startTelemetry, type Telemetry } from './telemetry/start.ts';
import { inSpan, type SpanOptions, withTrace } from './telemetry/trace.ts';

export const log = jsonLog({ projectId: process.env['GOOGLE_CLOUD_PROJECT'] });

type Handler = (request: Request, telemetry: Telemetry) => Promise<Response>;

/** The caller was told the instance, and asks with it for the reason. */
export function onError(error: unknown, instance: string): void {
  log.error('cannot answer', { error, instance });
}

/** The framework prints the stacks of what nobody caught with `console.error`; of that only the kind is logged. */
function register(name: string, handler: Handler): void {
  console.error = (...said: unknown[]) => log.error('the functions framework says', { kind: said.map(kindOf) });
  const telemetry = once(() => startTelemetry(`gke-code-executor-${name}`, process.env));
  registerFunction(
    name,
    requestListener(async (request) => handler(request, await telemetry()), onError),
  );
}

function kindOf(said: unknown): string {
  if (typeof said !== 'object' || said === null) return typeof said;
  const { name = '', type = '' }: { name?: unknown; type?: unknown } = said;
  return [name, type].filter((word) => word !== '').join(' ');
}

/** Bytes of a delivery: the largest message of Pub/Sub, 10 MB, in base64, and its attributes. */
const maximumPushBytes = 16 * 1024 * 1024;

/**
 * Registers a function that Pub/Sub pushes to: 204 acknowledges; 500 has the message delivered again. What no retry
 * can cure is logged and acknowledged.
 */
export function onPush(
  name: string,
  handle: (message: Received) => Promise<Poison | undefined>,
  options: SpanOptions = {},
): void {
  registerWorker(name, async (request, telemetry) => {
    requireIdentity(request.headers);
    const body = await readBytes(request, maximumPushBytes);
    const parsed = parsePush({ headers: Object.fromEntries(request.headers), body });
    if (!parsed.ok) {
      log.warning(`a delivery is dropped: ${parsed.reason}`);
      return new Response(null, { status: 204 });
    }
    const { message } = parsed;
    const traceparent = message.attributes['traceparent'] ?? traceparentOf(request);
    const work = async () => {
      const poison = await handle(message);
      if (poison !== undefined) log.warning(`message ${message.messageId} is dropped: ${poison.reason}`);
    };
    const span = { name, executionId: message.attributes['executionId'], kind: 'consumer', ...options } as const;
    return withTrace(traceparent, () => answer(telemetry, span, work));
  });
}

/** Registers a function that the bells of a topic are pushed to. */
export function onBell(name: string, handle: (bell: Bell) => Promise<void>, options?: SpanOptions): void {
  const take = async (message: Received) => {
    const old = refuseOld(message, Date.now());
    if (old !== undefined) return old;
    const parsed = parseBell(message);
    if (!parsed.ok) return parsed;
    await handle(parsed.bell);
    return undefined;
  };
  onPush(name, take, options);
}

/** Registers a function that Cloud Scheduler calls. */
export function onSchedule(name: string, work: () => Promise<void>): void {
  registerWorker(name, (request, telemetry) =>
    withTrace(traceparentOf(request), () => answer(telemetry, { name, kind: 'server' }, work)),
  );
}

/** Registers a function that Google's services call with POST, and no browser: one would not be asked for a key. */
function registerWorker(name: string, handler: Handler): void {
  register(name, async (request, telemetry) => {
    requireService(request);
    return handler(request, telemetry);
  });
}

function requireService({ method, headers }: Request): void {
  if (headers.has('origin') || headers.has('sec-fetch-site')) {
    throw new ProblemError(
      'cross-site-request',
      'this function works for services, and requests of browsers are refused',
    );
  }
  if (method !== 'POST') {
    throw new ProblemError('method-not-allowed', 'this function answers to POST only', { headers: { Allow: 'POST' } });
  }
}

function traceparentOf({ headers }: Request): string | undefined {
  return headers.get('traceparent') ?? undefined;
}

interface Invocation extends SpanOptions {
  readonly name: string;
  readonly executionId?: string | undefined;
}

/** Nothing survives the answer for certain, so spans and metrics go before it. */
async function answer(
  telemetry: Telemetry,
  { name, executionId, ...span }: Invocation,
  work: () => Promise<void>,
): Promise<Response> {
  const logged = async () => {
    try {
      await work();
    } catch (error) {
      log.error('failed, to be delivered again', { executionId, error });
      throw error;
    }
  };
  const status = await inSpan(name, span, logged).then(
    () => 204,
    () => 500,
  );
  await telemetry.flush();
  return new Response(null, { status });
}

/** Registers a function whose answers an app makes. */
export function onRequest(name: string, app: () => Promise<Pick<Hono, 'fetch'>>): void {
  const made = once(app);
  register(name, (request, telemetry) =>
    withTrace(traceparentOf(request), async () => {
      const { fetch } = await made().catch((error) => ({ fetch: () => cannotServe(error) }));
      const attributes = { 'http.request.method': request.method };
      const answered = await inSpan(name, { kind: 'server', attributes }, async (span) => {
        const response = await fetch(request);
        span?.setAttribute('http.response.status_code', response.status);
        return response;
      });
      await telemetry.flush();
      return answered;
    }),
  );
}

/** Whoever asks has shown no key yet, so the reason is only logged. */
function cannotServe(error: unknown): Response {
  const detail = 'the function cannot start; its log has the reason under this instance';
  const problem = new ProblemError('unavailable', detail, { headers: { 'Retry-After': '5' } });
  return answerError(problem, (_, instance) => log.error('cannot serve', { error, instance }));
}
