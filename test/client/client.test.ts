import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpExecutor, httpExecutor } from '../../src/client/client.ts';
import type { Embedded } from '../../src/embedded.ts';
import {
  ExecutionGoneError,
  ExecutionOpenError,
  IdempotencyConflictError,
  InvalidRequestError,
  UnavailableError,
} from '../../src/errors.ts';
import type { Resource } from '../../src/resource.ts';
import { hello, place, type Served, serve } from '../http/serving.ts';

const apiKey = '0123456789abcdef';
const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
const behaviour = {
  hello: { stdout: 'hello\n', durationMs: 20 },
  slow: { stdout: 'slow\n', durationMs: 1_500 },
  raw: { stdout: bytes, stderr: '\0' },
  forever: { durationMs: 'forever' },
} as const;

let embedded: Embedded;
let server: Served;
let client: HttpExecutor;
beforeAll(async () => {
  embedded = await place(behaviour).start();
  server = await serve(embedded.executor, { apiKey });
  client = httpExecutor({ server: server.url, apiKey });
});
afterAll(async () => {
  await server.close();
  await embedded.close();
});

const unknown = 'a'.repeat(26);
const ended = async (code: string) => {
  const { execution } = await client.submit({ ...hello, code }, {});
  const result = await client.wait(execution.id, 20);
  expect(result).toMatchObject({ done: true });
  return execution.id;
};

test('an execution over HTTP is the execution here', async () => {
  const { execution, created } = await client.submit({ ...hello, env: { A: 'b' }, labels: { team: 'x' } }, {});
  expect(created).toBe(true);
  expect(await client.wait(execution.id, 20)).toEqual(await embedded.executor.get(execution.id));
  expect(await client.get(execution.id)).toEqual(await embedded.executor.get(execution.id));
});

test('submissions without a key are executions of their own', async () => {
  const [first, second] = await Promise.all([client.submit(hello, {}), client.submit(hello, {})]);
  expect(first.execution.id).not.toBe(second.execution.id);
});

test.each(['order-1', 'two words', 'a"b\\c', 'k'.repeat(255)])(
  'the key %j makes a second submission a replay',
  async (key) => {
    const first = await client.submit(hello, { idempotencyKey: key });
    const second = await client.submit(hello, { idempotencyKey: key });
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.execution.id).toBe(first.execution.id);
    expect((await embedded.executor.submit(hello, { idempotencyKey: key })).execution.id).toBe(first.execution.id);
  },
);

test('a key used for another request is the same error as here', async () => {
  const { execution } = await client.submit(hello, { idempotencyKey: 'order-2' });
  const conflict = client.submit({ ...hello, code: 'other' }, { idempotencyKey: 'order-2' });
  await expect(conflict).rejects.toEqual(new IdempotencyConflictError(execution.id));
});

test.each(['', 'käse', 'k'.repeat(256), 'line\nbreak'])(
  'the key %j is refused before it is sent',
  async (idempotencyKey) => {
    await expect(client.submit(hello, { idempotencyKey })).rejects.toThrow(InvalidRequestError);
  },
);

test.each([[{ language: 'cobol' }], [null], [{ ...hello, timeoutSeconds: 0, x: 1 }]])(
  'an invalid request is the same error as here: %j',
  async (body) => {
    const here: unknown = await embedded.executor.submit(body, {}).catch((error: unknown) => error);
    const there: unknown = await client.submit(body, {}).catch((error: unknown) => error);
    expect(here).toBeInstanceOf(InvalidRequestError);
    expect(there).toEqual(here);
  },
);

test('a request too large to send is an invalid request', async () => {
  const body = { ...hello, code: 'x'.repeat(2 * 1024 * 1024) };
  await expect(client.submit(body, {})).rejects.toThrow('body: the body has more than 1048576 bytes');
});

test('run gives the result with its output', async () => {
  expect(await client.run(hello, { seconds: 20 })).toMatchObject({
    state: 'SUCCEEDED',
    result: { stdout: { text: 'hello\n' }, stderr: { text: '' } },
  });
});

test('run waits on after the first answer, and no longer than asked', async () => {
  const open = await client.run({ ...hello, code: 'slow' }, { seconds: 0 });
  expect(open).toMatchObject({ done: false });
  expect(await client.run({ ...hello, code: 'slow' }, { seconds: 20, idempotencyKey: 'slow' })).toMatchObject({
    result: { stdout: { text: 'slow\n' } },
  });
});

test('wait tells each state on the way, the first at once', async () => {
  const { execution } = await client.submit({ ...hello, code: 'slow' }, {});
  const seen: Resource[] = [];
  await client.wait(execution.id, 20, (now) => seen.push(now));
  const states = seen.map(({ state }) => state);
  expect(states[0]).toMatch(/^(ACCEPTED|LAUNCHING)$/);
  expect(states.slice(-2)).toEqual(['RUNNING', 'SUCCEEDED']);
  expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(seen.length);
});

test('wait ends in time with the state of then', async () => {
  const { execution } = await client.submit({ ...hello, code: 'forever' }, {});
  const start = Date.now();
  expect(await client.wait(execution.id, 1)).toMatchObject({ state: 'RUNNING' });
  expect(Date.now() - start).toBeLessThan(2_500);
  await client.cancel(execution.id);
});

test('cancel stops a program', async () => {
  const { execution } = await client.submit({ ...hello, code: 'forever' }, {});
  await client.cancel(execution.id);
  expect(await client.wait(execution.id, 20)).toMatchObject({ state: 'CANCELLED' });
});

test('remove deletes what has ended, and every call says so afterwards', async () => {
  const { execution } = await client.submit({ ...hello, code: 'forever' }, { idempotencyKey: 'deleted' });
  const { id } = execution;
  await expect(client.remove(id)).rejects.toEqual(new ExecutionOpenError(id));
  await client.cancel(id);
  await client.wait(id, 20);
  expect(await client.remove(id)).toBe(true);
  const gone = new ExecutionGoneError(id);
  const again = () => client.submit({ ...hello, code: 'forever' }, { idempotencyKey: 'deleted' });
  for (const call of [
    client.remove,
    client.get,
    client.cancel,
    () => client.output(id, 'stdout'),
    () => client.wait(id, 20),
    again,
  ]) {
    await expect(call(id)).rejects.toEqual(gone);
  }
});

test('output is byte for byte what was printed', async () => {
  const id = await ended('raw');
  expect(await client.output(id, 'stdout')).toEqual(bytes);
  expect(await client.output(id, 'stderr')).toEqual(Uint8Array.of(0));
});

test('list pages through the same executions as here', async () => {
  const here = await embedded.executor.list({ limit: 100 });
  const there: unknown[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.list({ limit: 3, cursor });
    there.push(...page.executions.map(({ id }) => id));
    if (page.next === null) break;
    cursor = page.next;
  }
  expect(there).toEqual(here.executions.map(({ id }) => id));
  const cancelled = await client.list({ limit: 100, state: 'CANCELLED' });
  expect(cancelled.executions.every(({ state }) => state === 'CANCELLED')).toBe(true);
});

test('a cursor that is none is an invalid request, as here', async () => {
  const here: unknown = await embedded.executor.list({ limit: 3, cursor: 'x' }).catch((error: unknown) => error);
  expect(here).toBeInstanceOf(InvalidRequestError);
  await expect(client.list({ limit: 3, cursor: 'x' })).rejects.toEqual(here);
});

test('what is unknown is undefined', async () => {
  expect(await client.get(unknown)).toBeUndefined();
  expect(await client.cancel(unknown)).toBeUndefined();
  expect(await client.output(unknown, 'stdout')).toBeUndefined();
  expect(await client.wait(unknown, 20)).toBeUndefined();
  expect(await client.remove(unknown)).toBe(false);
});

test.each(['../../healthz', '', '.', `${unknown}/stdout`, `${unknown}?include=output`])('%j is no id', async (id) => {
  expect(await client.get(id)).toBeUndefined();
  expect(await client.cancel(id)).toBeUndefined();
  expect(await client.output(id, 'stderr')).toBeUndefined();
  expect(await client.wait(id, 20)).toBeUndefined();
  expect(await client.remove(id)).toBe(false);
});

test.each([
  [undefined, /wants its API key: send the API key of this server as Authorization: Bearer/],
  ['another-key-0123456', /wants its API key: the API key is not the one of this server/],
])('the API key %j gets a sentence that says what to do', async (key, message) => {
  const stranger = httpExecutor({ server: server.url, ...(key === undefined ? {} : { apiKey: key }) });
  await expect(stranger.get(unknown)).rejects.toThrow(UnavailableError);
  await expect(stranger.get(unknown)).rejects.toThrow(message);
});
