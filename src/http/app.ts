import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { type Executor, streams } from '../executor.ts';
import { executionRoutes } from './executions.ts';
import { type GuardOptions, keyGuard, siteGuard } from './guard.ts';
import { answerError, type OnError, ProblemError, safeHeaders } from './problem.ts';

export interface AppOptions extends GuardOptions {
  readonly onError: OnError;
  /** Aborts when the server is about to close: waiting requests are then answered at once. */
  readonly closing: AbortSignal;
  /** Metrics in Prometheus' text format, served at `/metrics` under the same key as executions. */
  readonly metrics?: (() => Promise<string>) | undefined;
}

/** The HTTP API over an executor; every answer that is no success is a problem document (RFC 9457). */
export function httpApp(executor: Executor, options: AppOptions): Hono {
  const app = new Hono();
  app.use(withSafeHeaders, siteGuard(options));
  app.use('/v1/*', keyGuard(options));
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.route('/v1/executions', executionRoutes({ executor, closing: options.closing, onError: options.onError }));
  if (options.metrics !== undefined) serveMetrics(app, options, options.metrics);
  for (const [path, allow] of allowedMethods) app.all(path, () => refuseMethod(allow));
  app.notFound(() => answerError(new ProblemError('not-found', 'there is nothing at this path'), options.onError));
  app.onError((error) => answerError(error, options.onError));
  return app;
}

function serveMetrics(app: Hono, options: AppOptions, metrics: () => Promise<string>): void {
  app.use('/metrics', keyGuard(options));
  app.get('/metrics', async (c) => c.text(await metrics(), 200, { 'Content-Type': 'text/plain; version=0.0.4' }));
  app.all('/metrics', () => refuseMethod('GET, HEAD'));
}

const withSafeHeaders = createMiddleware(async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(safeHeaders)) c.res.headers.set(name, value);
});

const allowedMethods = new Map([
  ['/healthz', 'GET, HEAD'],
  ['/v1/executions', 'GET, HEAD, POST'],
  ['/v1/executions/:id', 'GET, HEAD, DELETE'],
  ['/v1/executions/:id/cancel', 'POST'],
  ['/v1/executions/:id/events', 'GET, HEAD'],
  ['/v1/executions/:id/files/:path{.+}', 'GET, HEAD'],
  ...streams.map((stream): [string, string] => [`/v1/executions/:id/${stream}`, 'GET, HEAD']),
]);

function refuseMethod(allow: string): never {
  throw new ProblemError('method-not-allowed', `this path answers to ${allow} only`, { headers: { Allow: allow } });
}
