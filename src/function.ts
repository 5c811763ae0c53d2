import { type HttpFunction, http } from '@google-cloud/functions-framework';
import { type Bell, type Poison, parseBell, parsePush, type Received, refuseOld } from './bus/envelope.ts';
import { jsonLog } from './log.ts';
import { withTrace } from './trace.ts';

export const log = jsonLog({ projectId: process.env['GOOGLE_CLOUD_PROJECT'] });

/** The framework prints what it cannot parse, and so code, with `console.error`; of that only the kind is logged. */
function register(name: string, handler: HttpFunction): void {
  console.error = (...said: unknown[]) => log.error('the functions framework says', { kind: said.map(kindOf) });
  http(name, handler);
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
export function onPush(name: string, handle: (message: Received) => Promise<Poison | undefined>): void {
  register(name, async (request, response) => {
    const parsed = parsePush({ headers: request.headers, body: request.body });
    if (!parsed.ok) {
      log.warning(`a delivery is dropped: ${parsed.reason}`);
      response.status(204).end();
      return;
    }
    const { message } = parsed;
    const traceparent = message.attributes['traceparent'] ?? request.get('traceparent');
    await withTrace(traceparent, () =>
      answer(response, message.attributes['executionId'], async () => {
        const poison = await handle(message);
        if (poison !== undefined) log.warning(`message ${message.messageId} is dropped: ${poison.reason}`);
      }),
    );
  });
}

/** Registers a function that the bells of a topic are pushed to. */
export function onBell(name: string, handle: (bell: Bell) => Promise<void>): void {
  onPush(name, async (message) => {
    const old = refuseOld(message, Date.now());
    if (old !== undefined) return old;
    const parsed = parseBell(message);
    if (!parsed.ok) return parsed;
    await handle(parsed.bell);
    return undefined;
  });
}

/** Registers a function that Cloud Scheduler calls. */
export function onSchedule(name: string, work: () => Promise<void>): void {
  register(name, (request, response) => withTrace(request.get('traceparent'), () => answer(response, undefined, work)));
}

async function answer(response: Response, executionId: string | undefined, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    response.status(204).end();
  } catch (error) {
    log.error('failed, to be delivered again', { executionId, error });
    response.status(500).end();
  }
}

/** Registers a function whose answers the listener makes. */
export function onRequest(name: string, listener: () => Promise<(request: Request, response: Response) => unknown>) {
  register(name, (request, response) =>
    withTrace(request.get('traceparent'), async () => {
      try {
        await (await listener())(request, response);
      } catch (error) {
        log.error('cannot serve', { error });
        response.status(503).set('Retry-After', '5').end();
      }
    }),
  );
}

/** Makes something at the first call and keeps it for the instance's life; what failed is tried anew. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
