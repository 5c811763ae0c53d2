import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../src/errors.ts';
import type { Executor } from '../../src/executor.ts';
import { raw, request } from './raw.ts';
import { hasty, hello, place, post, serve } from './serving.ts';

const apiKey = '0123456789abcdef';
const executor = place().recording();
const elapsed = async (work: () => Promise<unknown>) => {
  const start = Date.now();
  await work();
  return Date.now() - start;
};

describe('listening', () => {
  test.each(['0.0.0.0', '::', '[::]'])('on %s without an API key is refused', async (host) => {
    await expect(serve(executor, { host })).rejects.toThrow(
      `${host} can be reached from other machines, which could then run code here: set an API key`,
    );
  });

  test.each(['', 'short', 'fifteen letters', 'key with spaces 0123456789', `${apiKey}\n`, 'ключключключключ'])(
    'with the API key %j is refused',
    async (key) => {
      await expect(serve(executor, { apiKey: key })).rejects.toThrow('the API key must be 16 or more printable ASCII');
    },
  );

  test('on all addresses with an API key answers to every name', async () => {
    await using server = await serve(executor, { host: '0.0.0.0', apiKey });
    const local = new URL(`http://127.0.0.1:${server.url.port}`);
    expect(await raw(local, request('GET /healthz', { host: 'box.example' }))).toMatchObject([{ status: 200 }]);
  });

  test('on all addresses with names answers to those', async () => {
    await using server = await serve(executor, { host: '0.0.0.0', apiKey, allowedHost: ['box.example'] });
    const local = new URL(`http://127.0.0.1:${server.url.port}`);
    expect(await raw(local, request('GET /healthz', { host: 'box.example' }))).toMatchObject([{ status: 200 }]);
    expect(await raw(local, request('GET /healthz', { host: 'evil.example' }))).toMatchObject([{ status: 421 }]);
  });

  test.each([['localhost'], ['127.0.0.1'], ['127.0.0.2']])('on %s answers at the address it tells', async (host) => {
    await using server = await serve(executor, { host });
    expect(server.url.hostname).toBe(host);
    expect((await fetch(new URL('/healthz', server.url))).status).toBe(200);
  });

  test('on a port that is taken says so', async () => {
    await using first = await serve(executor);
    const port = Number(first.url.port);
    const second = serve(executor, { port });
    await expect(second).rejects.toThrow(UnavailableError);
    await expect(second).rejects.toThrow(`cannot listen on 127.0.0.1:${port}: the port is in use`);
  });

  test.each([
    ['192.0.2.1', 'this machine does not have that address'],
    ['no-such-host.invalid', 'it is no name or address of this machine'],
  ])('on %s says why not', async (host, reason) => {
    await expect(serve(executor, { host, apiKey })).rejects.toThrow(reason);
  });

  test.each([[''], ['a b'], ['http://x/y']])('refuses %j as an allowed host', async (name) => {
    await expect(serve(executor, { allowedHost: [name] })).rejects.toThrow('cannot be an allowed host');
  });
});

describe('closing', () => {
  test('ends idle connections at once, used and unused', async () => {
    const server = await serve(executor);
    await fetch(new URL('/healthz', server.url));
    const unused = connect(Number(server.url.port), '127.0.0.1');
    await once(unused, 'connect');
    expect(await elapsed(server.close)).toBeLessThan(200);
  });

  test('answers a waiting request with what is known', async () => {
    const server = await serve(executor);
    const { execution } = await executor.submit(hello, {});
    const url = new URL(`/v1/executions/${execution.id}`, server.url);
    const waiting = fetch(url, { headers: { prefer: 'wait=30' } });
    const response = await Promise.all([waiting, closeSoon(server.close)]);
    expect(response[0].status).toBe(200);
    expect(response[0].headers.get('connection')).toBe('close');
    expect(await response[0].json()).toMatchObject({ id: execution.id, state: 'ACCEPTED' });
  });

  test('waits for an answer under way, but not for ever', async () => {
    const never = { ...executor, list: () => new Promise<never>(() => {}) };
    const server = await serve(never, { patience: hasty });
    const stuck = fetch(new URL('/v1/executions', server.url)).catch((error: unknown) => error);
    const took = await elapsed(() => closeSoon(server.close));
    expect(await stuck).toBeInstanceOf(TypeError);
    expect(took).toBeGreaterThanOrEqual(hasty.closingMs);
    expect(took).toBeLessThan(hasty.closingMs + 700);
  });

  test('may be asked for twice', async () => {
    const server = await serve(executor);
    await server.close();
    await server.close();
    await expect(fetch(new URL('/healthz', server.url))).rejects.toThrow();
  });
});

test('a connection on which nothing moves is ended', async () => {
  const never = { ...executor, list: () => new Promise<never>(() => {}) };
  await using server = await serve(never, { patience: { ...hasty, stalledMs: 200 } });
  expect(await raw(server.url, request('GET /v1/executions'))).toEqual([]);
});

test('a caller who hangs up ends the wait for him', async () => {
  const calls: string[] = [];
  const told: Executor = {
    ...executor,
    wait: (...given) => {
      calls.push('wait');
      return executor.wait(...given);
    },
    get: (id) => {
      calls.push('get');
      return executor.get(id);
    },
  };
  await using server = await serve(told);
  const { execution } = await executor.submit(hello, {});
  const hangUp = new AbortController();
  const url = new URL(`/v1/executions/${execution.id}`, server.url);
  const waiting = fetch(url, { headers: { prefer: 'wait=60' }, signal: hangUp.signal });
  await expect.poll(() => calls).toEqual(['wait']);
  hangUp.abort();
  await expect(waiting).rejects.toThrow();
  await expect.poll(() => calls).toEqual(['wait', 'get']);
  expect(server.reported).toEqual([]);
});

test('a large answer comes whole', async () => {
  const text = 'x'.repeat(1024 * 1024);
  const embedded = await place({ large: { stdout: text } }).start();
  await using server = await serve(embedded.executor);
  const url = new URL('/v1/executions?include=output', server.url);
  const response = await post(url, { ...hello, code: 'large' }, { prefer: 'wait=20' });
  expect(await response.json()).toMatchObject({ result: { stdout: { text } } });
  await embedded.close();
});

/** Closes when what was asked before has surely arrived. */
async function closeSoon(close: () => Promise<void>): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100));
  await close();
}
