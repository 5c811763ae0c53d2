import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Embedded } from '../../src/embedded.ts';
import { type Resource, resourceSchema } from '../../src/resource.ts';
import { problemIn } from './problems.ts';
import { hello, place, post, type Served, serve } from './serving.ts';

const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
const behaviour = {
  hello: { stdout: 'hello\n', stderr: 'grüße\n', durationMs: 20 },
  raw: { stdout: bytes, stderr: '\0<script>' },
  cut: { stdout: 'ab€' },
  forever: { durationMs: 'forever', stdout: 'still here' },
} as const;

let embedded: Embedded;
let server: Served;
let executions: URL;
beforeAll(async () => {
  embedded = await place(behaviour).start();
  server = await serve(embedded.executor);
  executions = new URL('/v1/executions', server.url);
});
afterAll(async () => {
  await server.close();
  await embedded.close();
});

const at = (path: string) => new URL(path, server.url);
const resourceIn = async (response: Response): Promise<Resource> => resourceSchema.parse(await response.json());
const run = async (code: string, fields: Record<string, unknown> = {}) =>
  resourceIn(await post(executions, { ...hello, code, ...fields }, { prefer: 'wait=20' }));

/** A program that goes on until it is cancelled. */
const running = async () => {
  const { id } = await resourceIn(await post(executions, { ...hello, code: 'forever' }));
  await expect.poll(async () => (await embedded.executor.get(id))?.state, { timeout: 10_000 }).toBe('RUNNING');
  return id;
};

describe('POST /v1/executions', () => {
  test('answers 202 with the place and the resource at once', async () => {
    const response = await post(executions, { ...hello, labels: { team: 'a' }, env: { TOKEN: 'secret' } });
    const resource = await resourceIn(response);
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe(`/v1/executions/${resource.id}`);
    expect(resource).toMatchObject({ done: false, labels: { team: 'a' }, envNames: ['TOKEN'] });
    expect(JSON.stringify(resource)).not.toContain('secret');
  });

  test('answers 200 with the result when it ends within Prefer: wait', async () => {
    const response = await post(executions, hello, { prefer: 'wait=20' });
    expect(response.status).toBe(200);
    expect(response.headers.get('preference-applied')).toBe('wait=20');
    expect(await resourceIn(response)).toMatchObject({ state: 'SUCCEEDED', result: { exitCode: 0 } });
  });

  test('answers 202 with the state of then when it does not end in time', async () => {
    const response = await post(executions, { ...hello, code: 'forever' }, { prefer: 'respond-async, wait=1' });
    expect(response.status).toBe(202);
    expect(response.headers.get('preference-applied')).toBe('wait=1');
    const { id, state } = await resourceIn(response);
    expect(state).toBe('RUNNING');
    await post(at(`/v1/executions/${id}/cancel`), '');
  });

  test('waits a minute at most', async () => {
    const { id } = await run('hello');
    const response = await fetch(at(`/v1/executions/${id}`), { headers: { prefer: 'wait=3600' } });
    expect(response.headers.get('preference-applied')).toBe('wait=60');
  });

  test('brings the output in the same answer when it is asked for', async () => {
    const response = await post(at('/v1/executions?include=output'), hello, { prefer: 'wait=20' });
    expect((await resourceIn(response)).result).toMatchObject({
      stdout: { bytes: 6, text: 'hello\n' },
      stderr: { bytes: 8, text: 'grüße\n' },
    });
  });

  test('answers the same request under one key with the one execution, quoted or bare', async () => {
    const first = await post(executions, hello, { 'idempotency-key': 'order-7' });
    const again = await post(executions, hello, { 'idempotency-key': '"order-7"' });
    expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect((await resourceIn(again)).id).toBe((await resourceIn(first)).id);
  });

  test('answers a replay with 200 once the execution has ended', async () => {
    await post(executions, hello, { 'idempotency-key': 'order-8', prefer: 'wait=20' });
    const again = await post(executions, hello, { 'idempotency-key': 'order-8' });
    expect(again.status).toBe(200);
    expect(await resourceIn(again)).toMatchObject({ state: 'SUCCEEDED' });
  });

  test('refuses a key that was used with another request, and names its execution', async () => {
    const first = await resourceIn(await post(executions, hello, { 'idempotency-key': 'order-9' }));
    const other = await post(executions, { ...hello, code: 'other' }, { 'idempotency-key': 'order-9' });
    const problem = await problemIn(other, 422, 'idempotency-conflict');
    expect(problem.executionId).toBe(first.id);
  });

  test('lists everything wrong with a body, with pointers', async () => {
    const response = await post(executions, { language: 'cobol', timeoutSeconds: 0, surprise: 1 });
    const { errors } = await problemIn(response, 422, 'invalid-request');
    expect(errors).toEqual([
      { pointer: '/language', detail: 'must be one of python, javascript, typescript, shell' },
      { pointer: '/code', detail: 'must be a string' },
      { pointer: '/timeoutSeconds', detail: 'must be an integer from 1 to 3600, got 0' },
      { pointer: '/surprise', detail: 'is not a known field' },
    ]);
  });
});

describe('GET /v1/executions/{id}', () => {
  test('shows the execution, never to be cached', async () => {
    const { id } = await run('hello');
    const response = await fetch(at(`/v1/executions/${id}`));
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await resourceIn(response)).toMatchObject({ id, state: 'SUCCEEDED', done: true });
  });

  test('waits for the end with Prefer: wait', async () => {
    const { id } = await resourceIn(await post(executions, hello));
    const response = await fetch(at(`/v1/executions/${id}`), { headers: { prefer: 'wait=20' } });
    expect(await resourceIn(response)).toMatchObject({ done: true });
  });

  test('waits for any change of what the caller knows, with If-None-Match', async () => {
    const { id } = await resourceIn(await post(executions, { ...hello, code: 'forever' }));
    const seen: string[] = [];
    for (let tag = '""'; seen.at(-1) !== 'RUNNING'; ) {
      const headers = { prefer: 'wait=20', 'if-none-match': tag };
      const response = await fetch(at(`/v1/executions/${id}`), { headers });
      expect(response.status).toBe(200);
      tag = response.headers.get('etag') ?? '';
      seen.push((await resourceIn(response)).state);
    }
    await post(at(`/v1/executions/${id}/cancel`), '');
    expect(seen.length).toBeLessThan(8);
  });

  test('answers 304 without a body when nothing changed', async () => {
    const { id } = await run('hello');
    const first = await fetch(at(`/v1/executions/${id}`));
    const headers = { 'if-none-match': `"other", W/${first.headers.get('etag')}` };
    const second = await fetch(at(`/v1/executions/${id}`), { headers });
    expect([second.status, await second.text()]).toEqual([304, '']);
  });

  test('gives bytes that are not UTF-8 as base64 and control characters as text', async () => {
    const { id } = await run('raw');
    const { result } = await resourceIn(await fetch(at(`/v1/executions/${id}?include=output`)));
    expect(result?.stdout).toMatchObject({ base64: Buffer.from(bytes).toString('base64') });
    expect(result?.stdout).not.toHaveProperty('text');
    expect(result?.stderr).toMatchObject({ text: '\0<script>' });
  });

  test('gives text that was cut within a character as the text before it', async () => {
    const { id } = await run('cut', { maxStdoutBytes: 4 });
    const { result } = await resourceIn(await fetch(at(`/v1/executions/${id}?include=output`)));
    expect(result?.stdout).toEqual({ bytes: 4, totalBytes: 5, truncated: true, text: 'ab' });
  });

  test('includes no output before the end', async () => {
    const { id } = await resourceIn(await post(executions, { ...hello, code: 'forever' }));
    const { result } = await resourceIn(await fetch(at(`/v1/executions/${id}?include=output`)));
    expect(result).toBeNull();
    await post(at(`/v1/executions/${id}/cancel`), '');
  });
});

describe('GET /v1/executions/{id}/stdout and stderr', () => {
  test('give the bytes as they were printed', async () => {
    const { id } = await run('raw');
    const response = await fetch(at(`/v1/executions/${id}/stdout`));
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
    expect(await (await fetch(at(`/v1/executions/${id}/stderr`))).text()).toBe('\0<script>');
  });

  test('are headed so that no browser renders them', async () => {
    const { id } = await run('raw');
    const { headers } = await fetch(at(`/v1/executions/${id}/stderr`));
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename*=UTF-8''${id}.stderr`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'cache-control': 'no-store',
    });
  });

  test('tell their length to HEAD', async () => {
    const { id } = await run('raw');
    const response = await fetch(at(`/v1/executions/${id}/stdout`), { method: 'HEAD' });
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '256', '']);
  });

  test('wait for the end with Prefer: wait, and are empty before', async () => {
    const { id } = await resourceIn(await post(executions, hello));
    const early = await fetch(at(`/v1/executions/${id}/stdout`));
    const late = await fetch(at(`/v1/executions/${id}/stdout`), { headers: { prefer: 'wait=20' } });
    expect([await early.text(), await late.text()]).toEqual(['', 'hello\n']);
  });
});

describe('POST /v1/executions/{id}/cancel', () => {
  test('stops a running program and keeps what it printed', async () => {
    const id = await running();
    const response = await post(at(`/v1/executions/${id}/cancel?include=output`), '', { prefer: 'wait=20' });
    expect(response.status).toBe(200);
    expect(await resourceIn(response)).toMatchObject({
      state: 'CANCELLED',
      result: { stdout: { text: 'still here' } },
    });
  });

  test('answers 202 while the program is being stopped', async () => {
    const id = await running();
    const response = await post(at(`/v1/executions/${id}/cancel`), '{}');
    expect(response.status).toBe(202);
    expect(await resourceIn(response)).toMatchObject({ state: 'STOPPING' });
  });

  test('leaves an ended execution as it is', async () => {
    const { id } = await run('hello');
    const response = await post(at(`/v1/executions/${id}/cancel`), '');
    expect(response.status).toBe(200);
    expect(await resourceIn(response)).toMatchObject({ state: 'SUCCEEDED' });
  });
});

test('GET /healthz answers', async () => {
  expect(await (await fetch(at('/healthz'))).json()).toEqual({ status: 'ok' });
});
