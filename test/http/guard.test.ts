import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Executor } from '../../src/executor.ts';
import { checkProblem, problemIn } from './problems.ts';
import { raw, request } from './raw.ts';
import { hello, place, post, type Served, serve } from './serving.ts';

const body = JSON.stringify(hello);
const length = { 'content-length': `${body.length}` };
const json = { ...length, 'content-type': 'application/json' };

let executor: Executor;
let server: Served;
beforeAll(async () => {
  executor = place().recording();
  server = await serve(executor, { allowedHost: ['run.example.com', 'BOX:9000'] });
});
afterAll(() => server.close());

const count = async () => (await executor.list({ limit: 100 })).executions.length;

describe('a web page', () => {
  test.each([
    ['a simple form', { ...length, origin: 'https://evil.example', 'content-type': 'text/plain' }],
    ['a form from a sandboxed frame', { ...length, origin: 'null', 'content-type': 'text/plain' }],
    ['a fetch without cors', { ...length, origin: 'https://evil.example', 'sec-fetch-mode': 'no-cors' }],
    ['a fetch that claims to be JSON', { ...json, origin: 'https://evil.example' }],
    ['a beacon', { ...length, origin: 'https://evil.example', 'content-type': 'text/plain;charset=UTF-8' }],
    ['another local server', { ...json, origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }],
    ['an origin that begins like ours', { ...json, origin: 'http://127.0.0.1:1.evil.example' }],
    ['a browser that hides the origin', { ...json, 'sec-fetch-site': 'cross-site' }],
    ['a browser of the future', { ...json, 'sec-fetch-site': 'somewhere-else' }],
  ])('cannot submit by %s', async (_, headers) => {
    const before = await count();
    const [answer] = await raw(server.url, request('POST /v1/executions', headers, body));
    checkProblem(answer?.body ?? '', 403, 'cross-site-request');
    expect(await count()).toBe(before);
  });

  test.each([
    ['text/plain', { ...length, 'content-type': 'text/plain' }],
    ['a form', { ...length, 'content-type': 'application/x-www-form-urlencoded' }],
    ['no type', length],
  ])('of a browser too old to say its origin cannot submit as %s', async (_, headers) => {
    const [answer] = await raw(server.url, request('POST /v1/executions', headers, body));
    checkProblem(answer?.body ?? '', 415, 'unsupported-media-type');
  });

  test('cannot cancel', async () => {
    const { id } = (await executor.submit(hello, {})).execution;
    const headers = { origin: 'https://evil.example', 'content-length': '0' };
    const [answer] = await raw(server.url, request(`POST /v1/executions/${id}/cancel`, headers));
    checkProblem(answer?.body ?? '', 403, 'cross-site-request');
    expect((await executor.get(id))?.state).toBe('ACCEPTED');
  });

  test.each([
    ['GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }],
    ['GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
    ['GET', { origin: 'https://evil.example' }],
    ['OPTIONS', { origin: 'https://evil.example', 'access-control-request-method': 'POST' }],
    ['OPTIONS', { origin: 'null', 'access-control-request-private-network': 'true' }],
  ])('cannot read by %s with %j, and gets no CORS header', async (method, headers) => {
    const [answer] = await raw(server.url, request(`${method} /v1/executions`, headers));
    checkProblem(answer?.body ?? '', 403, 'cross-site-request');
    expect([...(answer?.headers.keys() ?? [])].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test.each([
    ['evil.example'],
    ['evil.example:8080'],
    ['127.0.0.1.evil.example'],
    ['localhost.evil.example'],
    ['0.0.0.0'],
    ['127.1'],
    ['2130706433'],
    ['localhost.'],
  ])('that rebinds its name %s to this machine is found out', async (host) => {
    for (const line of ['GET /v1/executions', 'POST /v1/executions', 'GET /healthz']) {
      const [answer] = await raw(server.url, request(line, { ...json, host, origin: `http://${host}` }, body));
      checkProblem(answer?.body ?? '', 421, 'unknown-host');
    }
  });
});

describe('the host', () => {
  test.each([
    ['localhost'],
    ['LOCALHOST:1'],
    ['127.0.0.1:65535'],
    ['[::1]:8080'],
    ['run.example.com'],
    ['run.example.com:443'],
    ['box'],
  ])('%s is ours, on any port', async (host) => {
    const [answer] = await raw(server.url, request('GET /healthz', { host }));
    expect(answer?.status).toBe(200);
  });

  test.each([
    [''],
    ['a b'],
    ['localhost, evil.example'],
    ['user@localhost'],
    ['localhost:port'],
    ['local/host'],
    ['.1'],
    ['256.256.256.256'],
    ['localhost:99999'],
    ['[::1'],
  ])('%j is malformed', async (host) => {
    const [answer] = await raw(server.url, request('GET /healthz', { host }));
    checkProblem(answer?.body ?? '', 400, 'malformed-request');
  });

  test('of an absolute target counts too', async () => {
    const [answer] = await raw(server.url, request('GET http://evil.example/healthz'));
    checkProblem(answer?.body ?? '', 421, 'unknown-host');
  });

  test('may be that of our own page', async () => {
    const headers = { ...json, host: server.url.host, origin: server.url.origin, 'sec-fetch-site': 'same-origin' };
    const [answer] = await raw(server.url, request('POST /v1/executions', headers, body));
    expect(answer?.status).toBe(202);
  });

  test('may be what a user typed into a browser', async () => {
    const headers = { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' };
    const [answer] = await raw(server.url, request('GET /v1/executions', headers));
    expect(answer?.status).toBe(200);
  });
});

describe('the API key', () => {
  const apiKey = '0123456789abcdef0123456789abcdef';
  let locked: Served;
  beforeAll(async () => {
    locked = await serve(executor, { apiKey });
  });
  afterAll(() => locked.close());

  test.each([
    ['none', {}, 'Bearer realm="gke-code-executor"'],
    ['another scheme', { authorization: `Basic ${apiKey}` }, 'Bearer realm="gke-code-executor"'],
    ['the key alone', { authorization: apiKey }, 'Bearer realm="gke-code-executor"'],
    ['an empty key', { authorization: 'Bearer ' }, 'Bearer realm="gke-code-executor"'],
    ['another key', { authorization: 'Bearer x' }, 'Bearer realm="gke-code-executor", error="invalid_token"'],
    [
      'the key and more',
      { authorization: `Bearer ${apiKey}0` },
      'Bearer realm="gke-code-executor", error="invalid_token"',
    ],
  ])('is wanted: %s is refused', async (_, headers, challenge) => {
    for (const path of ['/v1/executions', `/v1/executions/${'a'.repeat(26)}`, '/v1/nowhere', '/v1']) {
      const response = await fetch(new URL(path, locked.url), { headers });
      expect(response.headers.get('www-authenticate')).toBe(challenge);
      await problemIn(response, 401, 'unauthorized');
    }
    await problemIn(await post(new URL('/v1/executions', locked.url), '', headers), 401, 'unauthorized');
  });

  test('opens the API', async () => {
    const response = await fetch(new URL('/v1/executions', locked.url), {
      headers: { authorization: `bearer ${apiKey}` },
    });
    expect(response.status).toBe(200);
  });

  test('does not stand in for the host of a loopback server', async () => {
    const headers = { host: 'evil.example', authorization: `Bearer ${apiKey}` };
    const [answer] = await raw(locked.url, request('GET /v1/executions', headers));
    checkProblem(answer?.body ?? '', 421, 'unknown-host');
  });

  test('is not wanted for the health check', async () => {
    expect((await fetch(new URL('/healthz', locked.url))).status).toBe(200);
  });
});
