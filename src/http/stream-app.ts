import { Hono } from 'hono';
import { executionIdPattern } from '../execution/identity.ts';
import { find } from '../pipeline/retention.ts';
import { type GuardOptions, keyGuard, siteGuard } from './guard.ts';
import { type LiveOutputOptions, liveOutput, parseOffsets } from './live-output.ts';
import { answerError, type OnError, ProblemError, safeHeaders } from './problem.ts';

export interface StreamAppOptions extends GuardOptions, Pick<LiveOutputOptions, 'store' | 'follow'> {
  readonly onError: OnError;
}

/** `GET /v1/executions/{id}/live`: what an execution prints, while it prints it. */
export function streamApp({ store, follow, onError, ...guard }: StreamAppOptions): Hono {
  const app = new Hono();
  app.use(siteGuard(guard), keyGuard(guard));
  app.get('/v1/executions/:id/live', async (c) => {
    const id = c.req.param('id');
    const known = parseOffsets(c.req.header('last-event-id'));
    if (known === undefined) {
      const detail = 'must be the id of an event of this stream';
      throw new ProblemError('malformed-request', detail, { errors: [{ header: 'Last-Event-ID', detail }] });
    }
    if (!executionIdPattern.test(id) || (await find(store, id)) === undefined) {
      throw new ProblemError('unknown-execution', 'there is no execution of that id');
    }
    const body = liveOutput(id, { store, follow, known, signal: c.req.raw.signal, onError });
    return new Response(body, { headers: { ...safeHeaders, 'Content-Type': 'text/event-stream' } });
  });
  app.notFound(() => answerError(new ProblemError('not-found', 'there is nothing at this path'), onError));
  app.onError((error) => answerError(error, onError));
  return app;
}
