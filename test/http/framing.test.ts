import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Executor } from '../../src/executor.ts';
import { checkProblem } from './problems.ts';
import { raw, request } from './raw.ts';
import { hasty, hello, place, type Served, serve } from './serving.ts';

const body = JSON.stringify(hello);
const json = { 'content-type': 'application/json' };
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

let executor: Executor;
let server: Served;
beforeAll(async () => {
  executor = place().recording();
  server = await serve(executor, { patience: hasty });
});
afterAll(() => server.close());

const submit = (headers: Readonly<Record<string, string>>, content = '') =>
  request('POST /v1/executions', { ...json, ...headers }, content);
const count = async () => (await executor.list({ limit: 100 })).executions.length;

describe('a request that lies about its frame', () => {
  test.each([
    ['two lengths', submit({ 'content-length': '2\r\nContent-Length: 3' }, '{}')],
    ['two lengths in one', submit({ 'content-length': '2, 2' }, '{}')],
    ['a negative length', submit({ 'content-length': '-1' }, '{}')],
    ['a hexadecimal length', submit({ 'content-length': '0x2' }, '{}')],
    ['a length and chunks', submit({ 'content-length': '2', 'transfer-encoding': 'chunked' }, '0\r\n\r\n')],
    ['an unknown transfer encoding', submit({ 'transfer-encoding': 'gzip' }, '{}')],
    ['a chunk of no size', submit({ 'transfer-encoding': 'chunked' }, 'zz\r\n{}\r\n0\r\n\r\n')],
    ['a folded header', submit({ 'x-a': 'b\r\n c', 'content-length': '2' }, '{}')],
    ['a space before the colon', submit({ 'x-a ': 'b', 'content-length': '2' }, '{}')],
    ['a NUL in a header', submit({ 'x-a': 'a\0b', 'content-length': '2' }, '{}')],
    ['no request at all', 'print("secret")\r\n\r\n'],
    ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('with %s is refused and its connection ended', async (_, text) => {
    const before = await count();
    const answers = await raw(server.url, text);
    expect(answers).toHaveLength(1);
    expect(answers[0]?.headers.get('connection')).toBe('close');
    checkProblem(answers[0]?.body ?? '', 400, 'malformed-request');
    expect(await count()).toBe(before);
  });

  test.each([
    ['HTTP/1.1', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['HTTP/1.0', 'GET /healthz HTTP/1.0\r\n\r\n'],
  ])('of %s without a host is malformed', async (_, text) => {
    const [answer] = await raw(server.url, text);
    checkProblem(answer?.body ?? '', 400, 'malformed-request');
  });

  test('with two hosts is malformed, though the first is ours', async () => {
    const twice = 'localhost\r\nHost: evil.example';
    const [answer] = await raw(server.url, request('GET /healthz', { host: twice }));
    checkProblem(answer?.body ?? '', 400, 'malformed-request');
  });

  test.each(['*', 'localhost:80', '@evil.example/', '/healthz\\..\\v1', 'ftp://localhost/'])(
    'with the target %s is malformed',
    async (target) => {
      const [answer] = await raw(server.url, request(`OPTIONS ${target}`));
      checkProblem(answer?.body ?? '', 400, 'malformed-request');
    },
  );
});

describe('a request that is too large', () => {
  test('by its length is refused before its body comes', async () => {
    const [answer] = await raw(server.url, submit({ 'content-length': '1099511627776' }));
    checkProblem(answer?.body ?? '', 413, 'body-too-large');
  });

  test('in chunks is refused while they come', async () => {
    const chunks = Array.from({ length: 40 }, () => chunk(' '.repeat(32_768)));
    const [answer] = await raw(server.url, submit({ 'transfer-encoding': 'chunked' }), ...chunks);
    checkProblem(answer?.body ?? '', 413, 'body-too-large');
  });

  test('in its headers is refused', async () => {
    const [answer] = await raw(server.url, submit({ 'x-large': 'a'.repeat(20_000) }));
    checkProblem(answer?.body ?? '', 431, 'headers-too-large');
  });

  test('in its headers is told so even if it listens only when it has said everything', async () => {
    const socket = connect({ host: server.url.hostname, port: Number(server.url.port) });
    socket.pause();
    socket.write('GET / HTTP/1.1\r\n');
    for (let piece = 0; piece < 5; piece++) {
      socket.write(`X-Large: ${'a'.repeat(100_000)}\r\n`);
      await sleep(20);
    }
    expect(await text(socket)).toMatch(/^HTTP\/1.1 431 /);
  });

  test('is cut off when it is refused and does not hang up', async () => {
    const socket = connect({ host: server.url.hostname, port: Number(server.url.port), allowHalfOpen: true });
    socket.write('garbage\r\n\r\n');
    socket.resume();
    await once(socket, 'end');
    const speaking = setInterval(() => socket.write('more'), 20);
    const [error] = await once(socket, 'close').catch((thrown: unknown) => [thrown]);
    clearInterval(speaking);
    expect(error).toMatchObject({ code: expect.stringMatching(/^(EPIPE|ECONNRESET)$/) });
  });

  test('in its target is refused', async () => {
    const [answer] = await raw(server.url, request(`GET /${'a'.repeat(20_000)}`));
    checkProblem(answer?.body ?? '', 431, 'headers-too-large');
  });
});

describe('a request that is too slow', () => {
  test('in its headers is ended', async () => {
    const [answer] = await raw(server.url, 'GET /healthz HTTP/1.1\r\n', 100, 'X-A: b\r\n');
    checkProblem(answer?.body ?? '', 408, 'request-timeout');
  });

  test('in its body is ended', async () => {
    const before = await count();
    const [answer] = await raw(server.url, submit({ 'content-length': '1000' }, '{'), 100, ' ', 100, ' ');
    checkProblem(answer?.body ?? '', 408, 'request-timeout');
    expect(await count()).toBe(before);
  });

  test('to begin is ended', async () => {
    expect(await raw(server.url)).toMatchObject([{ status: 408 }]);
  });

  test('may still be worked on for longer than it took to come', async () => {
    const text = submit({ 'content-length': `${body.length}`, prefer: 'wait=1' }, body);
    expect(await raw(server.url, text)).toMatchObject([{ status: 202 }]);
  });
});

describe('one connection', () => {
  test('carries requests in order, also after one that failed', async () => {
    const length = { 'content-length': `${body.length}`, connection: 'keep-alive' };
    const answers = await raw(
      server.url,
      submit(length, body) + submit({ ...length, 'content-type': 'text/plain' }, body) + request('GET /healthz'),
    );
    expect(answers.map(({ status }) => status)).toEqual([202, 415, 200]);
  });

  test('does not answer a broken request in the place of an earlier one', async () => {
    const first = submit({ 'content-length': `${body.length}`, connection: 'keep-alive', prefer: 'wait=1' }, body);
    expect(await raw(server.url, `${first}garbage\r\n\r\n`)).toEqual([]);
  });

  test('that asks for the impossible is told so', async () => {
    const [answer] = await raw(server.url, request('GET /healthz', { expect: 'a miracle' }));
    checkProblem(answer?.body ?? '', 417, 'expectation-failed');
  });

  test('may ask before it sends its body', async () => {
    const headers = { 'content-length': `${body.length}`, expect: '100-continue' };
    expect(await raw(server.url, submit(headers), 50, body)).toMatchObject([{ status: 202 }]);
  });

  test('is not switched to another protocol', async () => {
    const headers = { connection: 'Upgrade, close', upgrade: 'websocket', 'sec-websocket-version': '13' };
    expect(await raw(server.url, request('GET /healthz', headers))).toMatchObject([{ status: 200 }]);
  });
});

test('none of this is a failure of the server', () => {
  expect(server.reported).toEqual([]);
});
