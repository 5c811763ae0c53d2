import { describe, expect, test } from 'vitest';
import { ExecutionGoneError } from '../../src/errors.ts';
import { streamApp } from '../../src/http/stream-app.ts';
import { problemIn } from './problems.ts';
import { hello, place, post, type Served, serve } from './serving.ts';

const unknown = 'a'.repeat(26);
const path = (id: string) => `/v1/executions/${id}`;
const remove = (server: Served, id: string) => fetch(new URL(path(id), server.url), { method: 'DELETE' });

/** A server with an execution that is open. */
async function serving() {
  const { recording, store } = place();
  const executor = recording();
  const server = await serve(executor);
  const { execution } = await executor.submit(hello, { idempotencyKey: 'key' });
  return { server, executor, store, id: execution.id, [Symbol.asyncDispose]: server.close };
}

/** A server with an execution that ended and was deleted. */
async function deleted() {
  const room = await serving();
  await room.executor.cancel(room.id);
  expect((await remove(room.server, room.id)).status).toBe(204);
  return room;
}

describe('DELETE of an execution', () => {
  test('that has ended answers 204, and takes it out of the list', async () => {
    await using room = await serving();
    await room.executor.cancel(room.id);
    const response = await remove(room.server, room.id);
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(await (await fetch(new URL('/v1/executions', room.server.url))).json()).toEqual({
      executions: [],
      next: null,
    });
  });

  test('that is open is refused with 409, and changes nothing', async () => {
    await using room = await serving();
    const problem = await problemIn(await remove(room.server, room.id), 409, 'execution-open');
    expect(problem).toMatchObject({
      executionId: room.id,
      detail: `execution ${room.id} has not ended: cancel it, or wait for its end`,
    });
    expect(await room.executor.get(room.id)).toMatchObject({ state: 'ACCEPTED' });
  });

  test.each([unknown, 'nobody'])('of the id %s, which there never was, answers 404', async (id) => {
    await using room = await serving();
    await problemIn(await remove(room.server, id), 404, 'unknown-execution');
  });

  test('with a query is refused', async () => {
    await using room = await serving();
    await room.executor.cancel(room.id);
    await problemIn(await remove(room.server, `${room.id}?force=true`), 400, 'malformed-request');
    expect(await room.executor.get(room.id)).toMatchObject({ state: 'CANCELLED' });
  });

  test('by a web page of another origin is refused', async () => {
    await using room = await serving();
    await room.executor.cancel(room.id);
    const headers = { Origin: 'https://evil.example' };
    const response = await fetch(new URL(path(room.id), room.server.url), { method: 'DELETE', headers });
    await problemIn(response, 403, 'cross-site-request');
    expect(await room.executor.get(room.id)).toMatchObject({ state: 'CANCELLED' });
  });
});

describe('an execution that was deleted', () => {
  test.each([
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '?include=output'],
    ['GET', '/stdout'],
    ['GET', '/events'],
    ['POST', '/cancel'],
  ])('is gone for %s %s', async (method, rest) => {
    await using room = await deleted();
    const headers = { 'Content-Type': 'application/json', Prefer: 'wait=20' };
    const response = await fetch(new URL(`${path(room.id)}${rest}`, room.server.url), { method, headers });
    const problem = await problemIn(response, 410, 'gone');
    expect(problem).toMatchObject({ executionId: room.id, detail: `execution ${room.id} was deleted` });
  });

  test('is gone for a POST with its idempotency key, and nothing runs', async () => {
    await using room = await deleted();
    const again = () => post(new URL('/v1/executions', room.server.url), hello, { 'Idempotency-Key': 'key' });
    expect(await problemIn(await again(), 410, 'gone')).toMatchObject({ executionId: room.id });
    expect((await room.executor.list({ limit: 10 })).executions).toEqual([]);
    const other = await post(new URL('/v1/executions', room.server.url), hello, { 'Idempotency-Key': 'other' });
    expect(other.status).toBe(202);
  });

  test('still has its idempotency key refuse another request', async () => {
    await using room = await deleted();
    const other = { ...hello, code: 'other' };
    const response = await post(new URL('/v1/executions', room.server.url), other, { 'Idempotency-Key': 'key' });
    expect(await problemIn(response, 422, 'idempotency-conflict')).toMatchObject({ executionId: room.id });
  });

  test('is gone for who streams its output', async () => {
    await using room = await deleted();
    const { store } = room;
    const app = streamApp({ store, follow: () => [], hosts: 'any', onError: () => {} });
    const live = (id: string) => app.request(`http://localhost${path(id)}/live`, { headers: { host: 'localhost' } });
    await problemIn(await live(room.id), 410, 'gone');
    await problemIn(await live(unknown), 404, 'unknown-execution');
  });

  test('between the look at its record and at its output is gone, not empty', async () => {
    const { recording, store } = place();
    const executor = recording();
    const { execution } = await executor.submit(hello, {});
    await executor.cancel(execution.id);
    const { part } = store.executions;
    store.executions.part = async (...asked) => {
      await executor.remove(execution.id);
      return part(...asked);
    };
    await expect(executor.output(execution.id, 'stdout')).rejects.toThrow(`execution ${execution.id} was deleted`);
  });
});

test('a wait for an execution of which no watch tells that it ended and was deleted ends all the same', async () => {
  const { recording, store } = place();
  const executor = recording();
  const { execution } = await executor.submit(hello, {});
  store.executions.watch = () => () => {};
  const waiting = expect(executor.wait(execution.id, 3_000)).rejects.toEqual(new ExecutionGoneError(execution.id));
  await executor.cancel(execution.id);
  await executor.remove(execution.id);
  await waiting;
});
