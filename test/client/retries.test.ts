import { describe, expect, test } from 'vitest';
import { ExecutionGoneError } from '../../src/errors.ts';
import { hello, place, serve } from '../http/serving.ts';
import { failure, relay, stranger } from './stranger.ts';

const id = 'a'.repeat(26);

describe('a failure that passes', () => {
  test.each([429, 502, 503, 504])('with status %i is tried again, under the same key', async (status) => {
    const keys: unknown[] = [];
    await using real = await serve(place().recording());
    await using server = await stranger((request, response) => {
      keys.push(request.headers['idempotency-key']);
      if (keys.length < 3) response.writeHead(status, { 'retry-after': '0' }).end();
      else relay(real.url, request, response);
    });
    expect(await server.client.submit(hello, {})).toMatchObject({ created: true });
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
  });

  test('waits as long as it was told', async () => {
    const times: number[] = [];
    await using server = await stranger((_, response) => {
      times.push(Date.now());
      response.writeHead(times.length === 1 ? 503 : 500, { 'retry-after': '1' }).end();
    });
    await failure(server.client.get(id));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
  });

  test('that does not pass is given up, and the last answer is told', async () => {
    let requests = 0;
    const problem = {
      type: 'tag:gke-code-executor,2026:problem/unavailable',
      title: '',
      status: 503,
      detail: 'the store is locked',
      instance: 'urn:uuid:1',
    };
    await using server = await stranger((_, response) => {
      requests += 1;
      response.writeHead(503, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    });
    expect(await failure(server.client.get(id))).toMatch(/answers 503: the store is locked \(urn:uuid:1\)$/);
    expect(requests).toBe(6);
  }, 20_000);

  test('is not tried again when it cannot be cured', async () => {
    let requests = 0;
    await using server = await stranger((_, response) => {
      requests += 1;
      response.writeHead(500).end();
    });
    await failure(server.client.submit(hello, {}));
    expect(requests).toBe(1);
  });

  test('in the middle of an answer is tried again', async () => {
    let requests = 0;
    await using real = await serve(place().recording());
    await using server = await stranger((request, response) => {
      requests += 1;
      if (requests > 1) {
        relay(real.url, request, response);
      } else {
        response.writeHead(202, { 'content-type': 'application/json', 'content-length': '1000' }).write('{"id":');
        setTimeout(() => response.destroy(), 20);
      }
    });
    expect(await server.client.submit(hello, {})).toMatchObject({ created: true });
    expect(requests).toBe(2);
  });
});

test('a deletion whose answer got lost is done, not an error', async () => {
  const executor = place().recording();
  const { execution } = await executor.submit(hello, {});
  await executor.cancel(execution.id);
  await using real = await serve(executor);
  let requests = 0;
  await using server = await stranger(async (request, response) => {
    requests += 1;
    if (requests > 1) return relay(real.url, request, response);
    await executor.remove(execution.id);
    response.destroy();
  });
  expect(await server.client.remove(execution.id)).toBe(true);
  expect(requests).toBe(2);
  await expect(server.client.remove(execution.id)).rejects.toEqual(new ExecutionGoneError(execution.id));
});

test('a proxy that drops the preference to wait is not flooded', async () => {
  const executor = place().recording();
  const { execution } = await executor.submit(hello, {});
  let requests = 0;
  await using server = await stranger((_, response) => {
    requests += 1;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(execution));
  });
  expect(await server.client.wait(execution.id, 1.5)).toEqual(execution);
  expect(requests).toBeLessThanOrEqual(4);
});

test('run goes on waiting when the first answer came before the end', async () => {
  const executor = place().recording();
  const open = (await executor.submit(hello, {})).execution;
  const ended = await executor.cancel(open.id);
  const asked: string[] = [];
  await using server = await stranger((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const headers = { 'content-type': 'application/json', 'preference-applied': 'wait=1' };
    response.writeHead(202, headers).end(JSON.stringify(asked.length < 3 ? open : ended));
  });
  expect(await server.client.run(hello, { seconds: 20 })).toEqual(ended);
  const again = `GET /v1/executions/${open.id}?include=output`;
  expect(asked).toEqual(['POST /v1/executions?include=output', again, again]);
});
