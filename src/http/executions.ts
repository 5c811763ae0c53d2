import { type Context, Hono } from 'hono';
import { InvalidRequestError } from '../errors.ts';
import { executionIdPattern } from '../execution/identity.ts';
import { type Executor, type ListOptions, type Stream, streams } from '../executor.ts';
import type { Resource } from '../resource.ts';
import { ignoreBody, readJson, requireJsonType } from './body.ts';
import { eventStream } from './events.ts';
import { parseIdempotencyKey } from './idempotency.ts';
import { preferredWait } from './prefer.ts';
import { type OnError, ProblemError } from './problem.ts';
import { parseInclude, parseListQuery, refuseQuery, wrongQuery } from './query.ts';
import { entityTag, entityTagsIn, pathOf, represent } from './representation.ts';
import { settle } from './settle.ts';

/** What the routes serve. */
interface Served {
  readonly executor: Executor;
  /** Ends waiting requests early, with the execution as it is then. */
  readonly closing: AbortSignal;
  /** Hears of failures after the status line, which no error handler sees. */
  readonly onError: OnError;
}

/** The routes below `/v1/executions`. */
export function executionRoutes(served: Served): Hono {
  const routes = new Hono();
  routes.post('/', (c) => create(c, served));
  routes.get('/', (c) => list(c, served));
  routes.get('/:id', (c) => show(c, served));
  routes.delete('/:id', (c) => remove(c, served));
  routes.post('/:id/cancel', (c) => cancel(c, served));
  routes.get('/:id/events', (c) => events(c, served));
  routes.get('/:id/files/:path{.+}', (c) => file(c, served));
  for (const stream of streams) routes.get(`/:id/${stream}`, (c) => output(c, served, stream));
  return routes;
}

async function create(c: Context, served: Served): Promise<Response> {
  const include = parseInclude(c.req.url);
  const idempotencyKey = parseIdempotencyKey(c.req.header('idempotency-key'));
  requireJsonType(c.req.raw.headers);
  const { execution, created } = await served.executor.submit(await readJson(c.req.raw), { idempotencyKey });
  const replayed = created ? {} : { 'Idempotent-Replayed': 'true' };
  return answer(c, served, execution, { include, headers: { Location: pathOf(execution.id), ...replayed } });
}

async function cancel(c: Context, served: Served): Promise<Response> {
  const include = parseInclude(c.req.url);
  requireJsonType(c.req.raw.headers);
  await ignoreBody(c.req.raw);
  const id = idOf(c);
  return answer(c, served, found(await served.executor.cancel(id), id), { include, headers: {} });
}

/** Wants no content type, unlike the POSTs: a web page cannot send a DELETE without a preflight. */
async function remove(c: Context, { executor }: Served): Promise<Response> {
  refuseQuery(c.req.url);
  await ignoreBody(c.req.raw);
  const id = idOf(c);
  found((await executor.remove(id)) || undefined, id);
  return new Response(null, { status: 204 });
}

/** Answers a POST: 200 when the execution has ended, by itself or within `Prefer: wait`; 202 while it is open. */
async function answer(
  c: Context,
  served: Served,
  execution: Resource,
  options: { readonly include: { readonly output: boolean }; readonly headers: Readonly<Record<string, string>> },
): Promise<Response> {
  const wait = preferredWait(c.req.header('prefer'));
  const waited = execution.done ? execution : await waitFor(c, served, execution.id, wait, (seen) => seen.done);
  const now = waited ?? execution;
  const { body, headers } = await represent(served.executor, now, options.include);
  return new Response(body, {
    status: now.done ? 200 : 202,
    headers: { ...headers, ...applied(wait), ...options.headers },
  });
}

async function list(c: Context, { executor }: Served): Promise<Response> {
  const options = parseListQuery(c.req.url);
  const page = await executor.list(options).catch(aboutQuery);
  return c.json(page, 200, page.next === null ? {} : { Link: `<${pageAfter(options, page.next)}>; rel="next"` });
}

function pageAfter({ state, limit }: ListOptions, cursor: string): string {
  const query = new URLSearchParams({ ...(state === undefined ? {} : { state }), limit: String(limit), cursor });
  return `/v1/executions?${query}`;
}

/** The executor's checks speak of fields; here they came as query parameters. */
function aboutQuery(error: unknown): never {
  if (!(error instanceof InvalidRequestError)) throw error;
  throw wrongQuery(error.problems.map(({ pointer, message }) => ({ parameter: pointer.slice(1), detail: message })));
}

/** With `If-None-Match` the wait is for any change, and 304 says that there was none. */
async function show(c: Context, served: Served): Promise<Response> {
  const include = parseInclude(c.req.url);
  const id = idOf(c);
  const wait = preferredWait(c.req.header('prefer'));
  const known = entityTagsIn(c.req.header('if-none-match'));
  const isNews = (seen: Resource) => seen.done || (known.length > 0 && !known.includes(entityTag(seen, include)));
  const execution = found(await waitFor(c, served, id, wait, isNews), id);
  if (known.includes(entityTag(execution, include))) {
    return new Response(null, { status: 304, headers: { ETag: entityTag(execution, include), ...applied(wait) } });
  }
  const { body, headers } = await represent(served.executor, execution, include);
  return new Response(body, { headers: { ...headers, ...applied(wait) } });
}

/** Server-sent events: the execution now and after each change, until it ends. */
async function events(c: Context, { executor, closing, onError }: Served): Promise<Response> {
  refuseQuery(c.req.url);
  const id = idOf(c);
  const known = c.req.header('last-event-id');
  const execution = found(await executor.get(id), id);
  // 204 keeps a client that has heard the end from connecting again.
  if (execution.done && known === entityTag(execution, { output: false })) return new Response(null, { status: 204 });
  const body = eventStream(executor, id, { known, onError, signals: [c.req.raw.signal, closing] });
  return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
}

async function output(c: Context, served: Served, stream: Stream): Promise<Response> {
  refuseQuery(c.req.url);
  const id = idOf(c);
  const wait = preferredWait(c.req.header('prefer'));
  found(await waitFor(c, served, id, wait, (seen) => seen.done), id);
  const bytes = found(await served.executor.output(id, stream), id);
  return download(bytes, `${id}.${stream}`, applied(wait));
}

async function file(c: Context, { executor }: Served): Promise<Response> {
  refuseQuery(c.req.url);
  const id = idOf(c);
  const path = c.req.param('path');
  const files = found(await executor.files(id), id);
  const asked = files.find((known) => known.path === path);
  if (asked === undefined) throw new ProblemError('unknown-file', `execution ${id} has no output file of that path`);
  return download(asked.bytes, asked.path.slice(asked.path.lastIndexOf('/') + 1), {});
}

/** Bytes that a browser saves and does not show: what is in them, and how it is called, is the program's to say. */
function download(bytes: Uint8Array, name: string, headers: Readonly<Record<string, string>>): Response {
  // RFC 8187 §3.2.1; encodeURIComponent leaves four characters more than are allowed there.
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  );
  return new Response(Buffer.from(bytes), {
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(bytes.length),
      'Content-Disposition': `attachment; filename*=UTF-8''${encoded}`,
      ...headers,
    },
  });
}

function waitFor(
  c: Context,
  { executor, closing }: Served,
  id: string,
  seconds: number | undefined,
  until: (execution: Resource) => boolean,
): Promise<Resource | undefined> {
  return settle(executor, id, { seconds: seconds ?? 0, until, signals: [c.req.raw.signal, closing] });
}

function applied(wait: number | undefined): Record<string, string> {
  return wait === undefined ? {} : { 'Preference-Applied': `wait=${wait}` };
}

/** Ids that we did not make are unknown, and are not looked up. */
function idOf(c: Context): string {
  const id = c.req.param('id') ?? '';
  if (!executionIdPattern.test(id)) throw new ProblemError('unknown-execution', 'there is no execution of that id');
  return id;
}

function found<T>(resource: T | undefined, id: string): T {
  if (resource === undefined) throw new ProblemError('unknown-execution', `execution ${id} not found`);
  return resource;
}
