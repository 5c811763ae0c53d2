import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Executor } from '../../src/executor.ts';
import { problemIn } from './problems.ts';
import { hello, place, post, type Served, serve } from './serving.ts';

let executor: Executor;
let server: Served;
let executions: URL;
beforeAll(async () => {
  executor = place().recording();
  server = await serve(executor);
  executions = new URL('/v1/executions', server.url);
});
afterAll(() => server.close());
afterEach(() => expect(server.reported).toEqual([]));

const json = { 'content-type': 'application/json' };
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('a body', () => {
  test.each([
    ['nothing', '', 'the body is not valid JSON'],
    ['half a document', '{"language":', 'the body is not valid JSON'],
    ['a secret that is no JSON', 'print("secret")', 'the body is not valid JSON'],
    ['a comma too many', '{\n  "code": "secret",\n}', 'the body is not valid JSON: look at line 3, column 1'],
    ['bytes that are not UTF-8', Buffer.from('{"code":"\xff"}', 'latin1'), 'the body is not valid UTF-8'],
    ['half a character', Buffer.from('{"code":"€"}').subarray(0, 11), 'the body is not valid UTF-8'],
    ['a name twice', '{"code":"a", "code" :"b"}', 'the body gives one member twice in the same object'],
    [
      'a name twice, once escaped',
      '{"code":"a","c\\u006fde":"b"}',
      'the body gives one member twice in the same object',
    ],
    ['a name twice, deep', '{"env":{"a":"\\\\","a":"\\""}}', 'the body gives one member twice in the same object'],
    ['__proto__', '{"__proto__":{"code":"a"}}', 'the body has a member named __proto__'],
    ['__proto__, escaped', '{"env":{"__pr\\u006fto__":"a"}}', 'the body has a member named __proto__'],
    ['a deep nest', `{"args":${nested(32)}}`, 'the body nests deeper than 32 levels'],
    ['a bottomless nest', nested(500_000), 'the body nests deeper than 32 levels'],
  ])('of %s is malformed, and is not quoted', async (_, body, detail) => {
    const problem = await problemIn(await post(executions, body), 400, 'malformed-request');
    expect(problem.detail).toBe(detail);
  });

  test.each([
    ['null', ''],
    ['[]', ''],
    ['"code"', ''],
    ['42', ''],
    [`{"language":"python","code":"","args":${nested(31)}}`, '/args/0'],
    ['{"language":"python","code":"a\\u0000b"}', '/code'],
    ['{"language":"python","code":"\\ud800"}', '/code'],
    ['{"language":"python","code":"","stdin":"a","stdinBase64":"YQ=="}', '/stdinBase64'],
    ['{"language":"python","code":"","timeoutSeconds":1e999}', '/timeoutSeconds'],
    ['{"language":"python","code":"","constructor":{}}', '/constructor'],
    ['{"language":"python","code":"","env":{"A=B":"c"}}', '/env/A=B'],
    ['{"language":"python","code":"","a/b~c":1}', '/a~1b~0c'],
  ])('%s is invalid at %j', async (body, pointer) => {
    const { errors } = await problemIn(await post(executions, body), 422, 'invalid-request');
    expect(errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  test('may say one name in two objects, and start with a byte order mark', async () => {
    const body = '\ufeff{"language":"python","code":"\\"a\\":{\\"a\\":","env":{"a":"1"},"labels":{"a":"1"}}';
    expect((await post(executions, body)).status).toBe(202);
  });

  test('of a mebibyte is read, and one byte more is not', async () => {
    const pad = (bytes: number) => JSON.stringify(hello).padEnd(bytes, ' ');
    expect((await post(executions, pad(1024 * 1024))).status).toBe(202);
    await problemIn(await post(executions, pad(1024 * 1024 + 1)), 413, 'body-too-large');
  });

  test('without a length is not read beyond a mebibyte', async () => {
    let sent = 0;
    const body = new ReadableStream({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const response = await fetch(executions, { method: 'POST', headers: json, body, duplex: 'half' });
    await problemIn(response, 413, 'body-too-large');
    // The buffers of both ends of the connection take some megabytes too.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('the content type', () => {
  test.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=x'],
    ['application/jsonp'],
    ['application/json; charset=utf-16'],
    ['text/plain; application/json'],
    ['application/json, text/plain'],
  ])('%s is refused for every POST', async (type) => {
    const { id } = (await executor.submit(hello, {})).execution;
    for (const path of ['/v1/executions', `/v1/executions/${id}/cancel`]) {
      const response = await post(new URL(path, server.url), hello, { 'Content-Type': type });
      expect(response.headers.get('accept')).toBe('application/json');
      await problemIn(response, 415, 'unsupported-media-type');
    }
    expect((await executor.get(id))?.state).toBe('ACCEPTED');
  });

  test('must be there even when the body is empty', async () => {
    const { id } = (await executor.submit(hello, {})).execution;
    const response = await fetch(new URL(`/v1/executions/${id}/cancel`, server.url), { method: 'POST' });
    await problemIn(response, 415, 'unsupported-media-type');
  });

  test.each([['application/json;charset=utf-8'], ['Application/JSON; charset="UTF-8"']])('%s is JSON', async (type) => {
    expect((await post(executions, hello, { 'Content-Type': type })).status).toBe(202);
  });

  test.each(['gzip', 'deflate, gzip', 'br'])('with Content-Encoding %s is refused', async (encoding) => {
    const response = await post(executions, hello, { 'content-encoding': encoding });
    expect(response.headers.get('accept-encoding')).toBe('identity');
    await problemIn(response, 415, 'unsupported-media-type');
  });
});

describe('an Idempotency-Key', () => {
  test.each([
    [''],
    ['""'],
    ['"open'],
    ['"a" b'],
    ['two words'],
    ['a,b'],
    ['"bad \\escape"'],
    ['k'.repeat(256)],
    [`"${'k'.repeat(256)}"`],
    ['k\u00e9y'],
    ['"tab\there"'],
  ])('%j is refused', async (key) => {
    const { errors } = await problemIn(
      await post(executions, hello, { 'idempotency-key': key }),
      400,
      'malformed-request',
    );
    expect(errors).toMatchObject([{ header: 'Idempotency-Key' }]);
  });

  test.each([['8e03978e-40d5-43e8-bc93-6894a57f9324'], ['"two words"'], ['"a\\"b\\\\c"'], ['k'.repeat(255)]])(
    '%s is a key',
    async (key) => {
      expect((await post(executions, hello, { 'idempotency-key': key })).status).toBe(202);
    },
  );
});

describe('a preference that cannot be read', () => {
  test.each(['wait', 'wait=', 'wait=-1', 'wait=soon', 'waits=5', 'wait="1', 'return=minimal', ';;,=,wait =1x'])(
    '%j is ignored',
    async (prefer) => {
      const response = await post(executions, hello, { prefer });
      expect([response.status, response.headers.get('preference-applied')]).toEqual([202, null]);
    },
  );

  test.each([
    ['wait=0', 'wait=0'],
    ['handling=lenient, WAIT="0"; x', 'wait=0'],
  ])('%s is read as %s', async (prefer, appliedAs) => {
    expect((await post(executions, hello, { prefer })).headers.get('preference-applied')).toBe(appliedAs);
  });
});
