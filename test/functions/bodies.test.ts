import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { onPush, onRequest, onSchedule } from '../../src/function.ts';
import { httpApp } from '../../src/http/app.ts';
import { checkProblem } from '../http/problems.ts';
import { raw, request } from '../http/raw.ts';
import { hello, place } from '../http/serving.ts';
import { served } from './served.ts';

const apiKey = 'a-key-that-is-long-enough';
const bearer = { authorization: `Bearer ${apiKey}` };
const json = { 'content-type': 'application/json' };
const mebibyte = 1024 * 1024;

/** `api` as it is deployed, over an executor that only records. */
async function api() {
  const executor = place().recording();
  const { signal } = new AbortController();
  const name = `api-${randomBytes(4).toString('hex')}`;
  onRequest(name, async () => httpApp(executor, { hosts: 'any', apiKey, onError: () => {}, closing: signal }));
  return served(name);
}

/** What came to a function that is pushed to. */
async function pushed() {
  const messages: string[] = [];
  const name = `push-${randomBytes(4).toString('hex')}`;
  onPush(name, async ({ data }) => void messages.push(Buffer.from(data).toString()));
  return { messages, url: await served(name) };
}

const envelope = (data: string) =>
  JSON.stringify({ message: { data: Buffer.from(data).toString('base64'), messageId: '1' } });

describe('a function that callers reach', () => {
  test.each([
    ['of a gigabyte', { 'content-length': String(1024 * mebibyte) }, '{'],
    ['that inflates to a gigabyte', { 'content-encoding': 'gzip', 'content-length': '1000000' }, '\x1f\x8b'],
    ['that does not end', { 'transfer-encoding': 'chunked' }, '1\r\n{\r\n'],
  ])('refuses a body %s without a key before it has read it', async (_, headers, body) => {
    const url = await api();
    const answers = await raw(url, request('POST /v1/executions', { ...json, ...headers }, body));
    checkProblem(answers[0]?.body ?? '', 401, 'unauthorized');
  });

  test.each([
    ['is no JSON', '{"code": "canary', {}, 400, 'malformed-request'],
    ['is too large', Buffer.alloc(mebibyte + 1, ' '), {}, 413, 'body-too-large'],
    ['is compressed', gzipSync(JSON.stringify(hello)), { 'content-encoding': 'gzip' }, 415, 'unsupported-media-type'],
    ['is of another type', 'a=b', { 'content-type': 'text/plain' }, 415, 'unsupported-media-type'],
  ] as const)('answers a body that %s with a problem document', async (_, body, headers, status, kind) => {
    const target = new URL('/v1/executions', await api());
    const response = await fetch(target, { method: 'POST', headers: { ...json, ...bearer, ...headers }, body });
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const text = await response.text();
    checkProblem(text, status, kind);
    expect(text).not.toContain('canary');
  });

  test('takes a body that is right', async () => {
    const target = new URL('/v1/executions', await api());
    const body = JSON.stringify(hello);
    expect((await fetch(target, { method: 'POST', headers: { ...json, ...bearer }, body })).status).toBe(202);
  });

  test('that cannot start says so and nothing more', async () => {
    const name = `api-${randomBytes(4).toString('hex')}`;
    onRequest(name, () => Promise.reject(new Error('password=hunter2')));
    const response = await fetch(await served(name));
    expect(response.headers.get('retry-after')).toBe('5');
    const text = await response.text();
    checkProblem(text, 503, 'unavailable');
    expect(text).not.toContain('hunter2');
  });
});

describe('a function that messages are pushed to', () => {
  const post = (url: URL, body: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>> = {}) =>
    fetch(url, { method: 'POST', headers: { ...json, ...headers }, body });

  test('takes the largest message of Pub/Sub', async () => {
    const { messages, url } = await pushed();
    const data = 'x'.repeat(10_000_000);
    expect((await post(url, envelope(data))).status).toBe(204);
    expect(messages.map(({ length }) => length)).toEqual([data.length]);
  });

  test.each([
    ['a body that no message can have', Buffer.alloc(16 * mebibyte + 1, ' '), {}, 413, 'body-too-large'],
    ['a compressed body', gzipSync(envelope('a')), { 'content-encoding': 'gzip' }, 415, 'unsupported-media-type'],
  ] as const)('refuses %s', async (_, body, headers, status, kind) => {
    const { messages, url } = await pushed();
    checkProblem(await (await post(url, body, headers)).text(), status, kind);
    expect(messages).toEqual([]);
  });
});

test('where the server is not announced, all works but the bound', async () => {
  const executor = place().recording();
  const { signal } = new AbortController();
  onRequest('unannounced', async () => httpApp(executor, { hosts: 'any', apiKey, onError: () => {}, closing: signal }));
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const target = new URL('/v1/executions', await served('unannounced'));
  const body = JSON.stringify(hello);
  expect((await fetch(target, { method: 'POST', headers: { ...json, ...bearer }, body })).status).toBe(202);
  const malformed = await fetch(target, { method: 'POST', headers: { ...json, ...bearer }, body: '{' });
  expect(malformed.headers.get('content-type')).toContain('text/html');
});

describe('web pages and other readers', () => {
  const workers = [
    ['pushes', async () => (await pushed()).url],
    [
      'calls of the schedule',
      async () => {
        const name = `schedule-${randomBytes(4).toString('hex')}`;
        onSchedule(name, () => Promise.reject(new Error('not to be called')));
        return served(name);
      },
    ],
  ] as const;

  test.each(workers)('make no %s', async (_, start) => {
    const url = await start();
    for (const mark of [{ origin: 'http://127.0.0.1:1' }, { 'sec-fetch-site': 'same-origin' }]) {
      const [answer] = await raw(url, request('POST /', { ...mark, 'content-length': '2' }, '{}'));
      checkProblem(answer?.body ?? '', 403, 'cross-site-request');
    }
    const response = await fetch(url);
    expect(response.headers.get('allow')).toBe('POST');
    checkProblem(await response.text(), 405, 'method-not-allowed');
  });
});
