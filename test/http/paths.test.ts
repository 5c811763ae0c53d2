import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { UnavailableError } from '../../src/errors.ts';
import type { Executor } from '../../src/executor.ts';
import { problemIn } from './problems.ts';
import { hello, place, post, type Served, serve } from './serving.ts';

let executor: Executor;
let server: Served;
beforeAll(async () => {
  executor = place().recording();
  server = await serve(executor);
});
afterAll(() => server.close());
afterEach(() => expect(server.reported).toEqual([]));

describe('a path', () => {
  const id = 'a'.repeat(26);
  test.each([
    ['/'],
    ['/v1'],
    ['/v1/executions/'],
    ['/v2/executions'],
    ['//v1/executions'],
    [`/v1/executions/${id}/stdin`],
  ])('%s leads nowhere', async (path) => {
    await problemIn(await fetch(server.url.origin + path), 404, 'not-found');
  });

  test.each([
    `${id}`,
    `${id}/stdout`,
    `${id}/stderr`,
    `${id}/events`,
    `${id}a`,
    'UPPER',
    '<script>',
    '__proto__',
    '%00',
    '%zz',
    '%2e%2e%2fhealthz',
  ])('/v1/executions/%s speaks of no execution', async (path) => {
    const start = Date.now();
    const headers = { prefer: 'wait=20' };
    const response = await fetch(new URL(`/v1/executions/${path}`, server.url), { headers });
    const problem = await problemIn(response, 404, 'unknown-execution');
    expect(problem.detail).not.toContain('script');
    expect(Date.now() - start).toBeLessThan(1_000);
  });

  test('to cancel an unknown execution says that there is none', async () => {
    await problemIn(await post(new URL(`/v1/executions/${id}/cancel`, server.url), ''), 404, 'unknown-execution');
  });

  test.each([
    ['PUT', '/v1/executions', 'GET, HEAD, POST'],
    ['OPTIONS', '/v1/executions', 'GET, HEAD, POST'],
    ['DELETE', '/v1/executions', 'GET, HEAD, POST'],
    ['POST', `/v1/executions/${id}`, 'GET, HEAD, DELETE'],
    ['GET', `/v1/executions/${id}/cancel`, 'POST'],
    ['POST', `/v1/executions/${id}/events`, 'GET, HEAD'],
    ['HEAD', `/v1/executions/${id}/cancel`, 'POST'],
    ['POST', `/v1/executions/${id}/stdout`, 'GET, HEAD'],
    ['POST', `/v1/executions/${id}/files/out/a.csv`, 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['PURGE', '/v1/executions', 'GET, HEAD, POST'],
  ])('%s %s is not allowed, and Allow says what is', async (method, path, allow) => {
    const response = await fetch(new URL(path, server.url), { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
    if (method !== 'HEAD') await problemIn(response, 405, 'method-not-allowed');
  });

  test.each(['?include=code', '?include=output&include=output', '?verbose', '?include='])(
    '%s on an execution is refused',
    async (query) => {
      await problemIn(await fetch(new URL(`/v1/executions/${id}${query}`, server.url)), 400, 'malformed-request');
    },
  );
});

describe('an executor that fails', () => {
  const failing = (error: unknown): Executor => ({
    ...executor,
    list: () => Promise.reject(error),
    submit: () => Promise.reject(error),
  });

  test('is answered with 500 and nothing of the reason, which is reported under the same instance', async () => {
    const reason = new Error('password=hunter2');
    await using broken = await serve(failing(reason));
    const response = await post(new URL('/v1/executions', broken.url), hello);
    const problem = await problemIn(response, 500, 'internal-error');
    expect(JSON.stringify(problem)).not.toContain('hunter2');
    expect(broken.reported).toEqual([{ error: reason, instance: problem.instance }]);
  });

  test('is answered the same when what it throws is no error', async () => {
    await using broken = await serve(failing('a string'));
    await problemIn(await fetch(new URL('/v1/executions', broken.url)), 500, 'internal-error');
    expect(broken.reported).toMatchObject([{ error: 'a string' }]);
  });

  test('for a while is answered with 503 and when to come back', async () => {
    await using broken = await serve(
      failing(new UnavailableError('the store file is locked; close the other process')),
    );
    const response = await fetch(new URL('/v1/executions', broken.url));
    expect(response.headers.get('retry-after')).toBe('2');
    const { detail } = await problemIn(response, 503, 'unavailable');
    expect(detail).toBe('the store file is locked; close the other process');
  });
});
