import { type HttpFunction, http } from '@google-cloud/functions-framework';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { type Bell, type Poison, parseBell, parsePush, type Received, refuseOld } from './bus/envelope.ts';
import { jsonLog } from './log.ts';
import { startTelemetry, type Telemetry } from './telemetry/start.ts';
import { inSpan, type SpanOptions, withTrace } from './telemetry/trace.ts';

export const log = jsonLog({ projectId: process.env['GOOGLE_CLOUD_PROJECT'] });

type Handler = (request: Request, response: Response, telemetry: Telemetry) => unknown;

/** The framework prints what it cannot parse, and so code, with `console.error`; of that only the kind is logged. */
function register(name: string, handler: Handler): void {
  console.error = (...said: unknown[]) => log.error('the functions framework says', { kind: said.map(kindOf) });
  const telemetry = once(() => startTelemetry(`gke-code-executor-${name}`, process.env));
  http(name, async (request, response) => handler(request, response, await telemetry()));
}

function kindOf(said: unknown): string {
  if (typeof said !== 'object' || said === null) return typeof said;
  const { name = '', type = '' }: { name?: unknown; type?: unknown } = said;
  return [name, type].filter((word) => word !== '').join(' ');
}

type Request = Parameters<HttpFunction>[0];
type Response = Parameters<HttpFunction>[1];

/**
 * Registers a function that Pub/Sub pushes to: 204 acknowledges; 500 has the message delivered again. What no retry
 * can cure is logged and acknowledged.
 */
export function onPush(
  name: string,
  handle: (message: Received) => Promise<Poison | undefined>,
  options: SpanOptions = {},
): void {
  register(name, async (request, response, telemetry) => {
    const parsed = parsePush({ headers: request.headers, body: request.body });
    if (!parsed.ok) {
      log.warning(`a delivery is dropped: ${parsed.reason}`);
      response.status(204).end();
      return;
    }
    const { message } = parsed;
    const traceparent = message.attributes['traceparent'] ?? request.get('traceparent');
    const work = async () => {
      const poison = await handle(message);
      if (poison !== undefined) log.warning(`message ${message.messageId} is dropped: ${poison.reason}`);
    };
    const span = { name, executionId: message.attributes['executionId'], kind: 'consumer', ...options } as const;
    await withTrace(traceparent, () => answer(response, telemetry, span, work));
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
  register(name, (request, response, telemetry) =>
    withTrace(request.get('traceparent'), () => answer(response, telemetry, { name, kind: 'server' }, work)),
  );
}

interface Invocation extends SpanOptions {
  readonly name: string;
  readonly executionId?: string | undefined;
}

/** Nothing survives the answer for certain, so spans and metrics go before it. */
async function answer(
  response: Response,
  telemetry: Telemetry,
  { name, executionId, ...span }: Invocation,
  work: () => Promise<void>,
): Promise<void> {
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
  response.status(status).end();
}

/** Registers a function whose answers an app makes. */
export function onRequest(name: string, app: () => Promise<Pick<Hono, 'fetch'>>): void {
  const listener = once(async (telemetry: Telemetry) => {
    const { fetch } = await app();
    return getRequestListener(
      async (request, env) => {
        const attributes = { 'http.request.method': request.method };
        const answered = await inSpan(name, { kind: 'server', attributes }, async (span) => {
          const made = await fetch(request, env);
          span?.setAttribute('http.response.status_code', made.status);
          return made;
        });
        await telemetry.flush();
        return answered;
      },
      { overrideGlobalObjects: false },
    );
  });
  register(name, (request, response, telemetry) =>
    withTrace(request.get('traceparent'), async () => {
      try {
        await (await listener(telemetry))(request, response);
      } catch (error) {
        log.error('cannot serve', { error });
        response.status(503).set('Retry-After', '5').end();
      }
    }),
  );
}

/** Makes something of the first call's arguments and keeps it for the instance's life; what failed is tried anew. */
export function once<A extends readonly unknown[], T>(make: (...given: A) => Promise<T>): (...given: A) => Promise<T> {
  let made: Promise<T> | undefined;
  return (...given) => {
    made ??= make(...given).catch((error) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
