import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Embedded } from '../../src/embedded.ts';
import type { Executor } from '../../src/executor.ts';
import { settle } from '../../src/http/settle.ts';
import { resourceSchema } from '../../src/resource.ts';
import { checkProblem } from './problems.ts';
import { hello, place, type Served, serve } from './serving.ts';

let embedded: Embedded;
let server: Served;
beforeAll(async () => {
  embedded = await place({ hello: { durationMs: 300 }, forever: { durationMs: 'forever' } }).start();
  server = await serve(embedded.executor);
});
afterAll(async () => {
  await server.close();
  await embedded.close();
});

const submit = async (code: string) => (await embedded.executor.submit({ ...hello, code }, {})).execution.id;
const running = (id: string) =>
  expect.poll(async () => (await embedded.executor.get(id))?.state, { timeout: 10_000 }).toBe('RUNNING');
const eventsOf = (id: string, headers: Readonly<Record<string, string>> = {}, from = server) =>
  fetch(new URL(`/v1/executions/${id}/events`, from.url), { headers });

interface ServerSentEvent {
  readonly name: string;
  readonly id: string;
  readonly data: string;
}

function parse(stream: string): ServerSentEvent[] {
  return stream
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      return { name: field('event'), id: field('id'), data: field('data') };
    });
}

const statesIn = (events: readonly ServerSentEvent[]) =>
  events.map(({ data }) => resourceSchema.parse(JSON.parse(data)).state);

describe('GET /v1/executions/{id}/events', () => {
  test('tells every change once, and ends with the execution', async () => {
    const response = await eventsOf(await submit('hello'));
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const events = parse(await response.text());
    expect(statesIn(events).slice(-2)).toEqual(['RUNNING', 'SUCCEEDED']);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(new Set(events.map(({ name }) => name))).toEqual(new Set(['execution']));
  });

  test('goes on after the last event that was heard', async () => {
    const id = await submit('forever');
    await embedded.executor.cancel(id);
    const all = parse(await (await eventsOf(id)).text());
    expect(statesIn(all).at(-1)).toBe('CANCELLED');
    const again = await eventsOf(id, { 'last-event-id': all.at(-1)?.id ?? '' });
    expect([again.status, await again.text()]).toEqual([204, '']);
    const older = await eventsOf(id, { 'last-event-id': '"older"' });
    expect(statesIn(parse(await older.text()))).toEqual(['CANCELLED']);
  });

  test('ends when the server closes, after what is known', async () => {
    const closing = await serve(embedded.executor);
    const id = await submit('forever');
    await running(id);
    const response = await eventsOf(id, {}, closing);
    const rest = response.text();
    const start = Date.now();
    await closing.close();
    expect(Date.now() - start).toBeLessThan(1_000);
    expect(statesIn(parse(await rest)).at(-1)).toBe('RUNNING');
    await embedded.executor.cancel(id);
  });

  test('says so when the server fails in the middle, without the reason', async () => {
    const reason = new Error('password=hunter2');
    const failing: Executor = { ...embedded.executor, wait: () => Promise.reject(reason) };
    await using broken = await serve(failing);
    const [event] = parse(await (await eventsOf(await submit('hello'), {}, broken)).text());
    expect(event?.name).toBe('problem');
    const { instance } = checkProblem(event?.data ?? '', 500, 'internal-error');
    expect(event?.data).not.toContain('hunter2');
    expect(broken.reported).toEqual([{ error: reason, instance }]);
  });

  test('stops asking when the caller hangs up', async () => {
    const hangUp = new AbortController();
    const id = await submit('forever');
    const url = new URL(`/v1/executions/${id}/events`, server.url);
    const response = await fetch(url, { signal: hangUp.signal });
    hangUp.abort();
    await expect(response.text()).rejects.toThrow();
    await embedded.executor.cancel(id);
    expect(server.reported).toEqual([]);
  });
});

test('waiting leaves no listener behind', async () => {
  const { signal } = new AbortController();
  const id = await submit('hello');
  const settled = await settle(embedded.executor, id, { seconds: 20, until: ({ done }) => done, signals: [signal] });
  expect(settled?.done).toBe(true);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('waiting under an abort that was is no waiting', async () => {
  const id = await submit('hello');
  const start = Date.now();
  await settle(embedded.executor, id, { seconds: 20, until: () => false, signals: [AbortSignal.abort()] });
  expect(Date.now() - start).toBeLessThan(200);
});
