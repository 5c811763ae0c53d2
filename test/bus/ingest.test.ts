import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Received } from '../../src/bus/envelope.ts';
import { parseIngest } from '../../src/bus/ingest.ts';
import { parseRequest } from '../../src/execution/request.ts';

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const message = (data: unknown, attributes = {}, messageId: string | null = '17'): Received => ({
  messageId,
  publishTime: null,
  attributes,
  data: bytes(data),
});
const request = { language: 'python', code: 'print(1)', timeoutSeconds: 5 };
const event = { specversion: '1.0', id: 'i', source: '/s', type: 't' };
const eventAttributes = { 'ce-specversion': '1.0', 'ce-id': 'i', 'ce-source': '/s', 'ce-type': 't' };
const eventKey = 'cloudevent:["/s","i"]';
const rules = { minimumMemoryMiB: () => 64, images: 'any' as const };

describe('a message on the topic executions', () => {
  test.each([
    { name: 'the JSON body of a submission', message: message(request), body: request, key: 'message:17' },
    {
      name: 'JSON after a byte order mark',
      message: message(`\ufeff${JSON.stringify(request)}`),
      body: request,
      key: 'message:17',
    },
    { name: 'a key of its own', message: message(request, { idempotencyKey: 'k' }), body: request, key: 'k' },
    {
      name: 'the code itself',
      message: message('print("é")\n', { language: 'python' }),
      body: { language: 'python', code: 'print("é")\n' },
      key: 'message:17',
    },
    {
      name: 'code with attributes of the request; others are none of it',
      message: message('1', {
        ...{ language: 'javascript', image: 'node:24', timeoutSeconds: '5', memoryLimitMiB: '12.5' },
        ...{ maxStdoutBytes: 'many', idempotencyKey: 'k', env: 'A=1', googclient_traceparent: 'x' },
      }),
      body: {
        ...{ language: 'javascript', code: '1', image: 'node:24' },
        ...{ timeoutSeconds: 5, memoryLimitMiB: 12.5, maxStdoutBytes: 'many' },
      },
      key: 'k',
    },
    {
      name: 'code that looks like a request',
      message: message(request, { language: 'python' }),
      body: { language: 'python', code: JSON.stringify(request) },
      key: 'message:17',
    },
    {
      name: 'no code',
      message: message('', { language: 'python' }),
      body: { language: 'python', code: '' },
      key: 'message:17',
    },
    {
      name: 'a structured CloudEvent',
      message: message({ ...event, datacontenttype: 'application/json', data: request }),
      body: request,
      key: eventKey,
    },
    {
      name: 'a structured CloudEvent with encoded data',
      message: message({ ...event, data_base64: Buffer.from(JSON.stringify(request)).toString('base64') }),
      body: request,
      key: eventKey,
    },
    { name: 'a binary CloudEvent', message: message(request, eventAttributes), body: request, key: eventKey },
    {
      name: 'a CloudEvent of code',
      message: message('print(1)', { ...eventAttributes, language: 'python' }),
      body: { language: 'python', code: 'print(1)' },
      key: eventKey,
    },
    {
      name: 'a CloudEvent with a key of its own',
      message: message({ ...event, data: request }, { idempotencyKey: 'k' }, null),
      body: request,
      key: 'k',
    },
    { name: 'a CloudEvent without data', message: message(event), body: undefined, key: eventKey },
    {
      name: 'JSON that is no request, for the check of the body to name',
      message: message([1]),
      body: [1],
      key: 'message:17',
    },
  ])('may be $name', ({ message: received, body, key }) => {
    expect(parseIngest(received)).toStrictEqual({ ok: true, ingest: { body, idempotencyKey: key } });
  });

  test.each([
    {
      name: 'bytes that are no text',
      message: { ...message(''), data: Uint8Array.of(0xff) },
      reason: 'the data must be UTF-8',
    },
    {
      name: 'code without a language',
      message: message('print(1)'),
      reason: 'the data must be JSON, or code with an attribute language',
    },
    { name: 'nothing', message: message(''), reason: 'the data must be JSON, or code with an attribute language' },
    {
      name: 'a CloudEvent without id',
      message: message({ ...event, id: undefined }),
      reason: 'a CloudEvent must have id and source',
    },
    {
      name: 'a CloudEvent with an empty source',
      message: message({ ...event, source: '' }),
      reason: 'a CloudEvent must have id and source',
    },
    {
      name: 'a binary CloudEvent without id',
      message: message(request, { 'ce-specversion': '1.0' }),
      reason: 'a CloudEvent must have id and source',
    },
    {
      name: 'a CloudEvent whose data is no JSON',
      message: message({ ...event, data_base64: 'eA==' }),
      reason: 'the data of the CloudEvent must be JSON',
    },
    {
      name: 'a key that HTTP would refuse',
      message: message(request, { idempotencyKey: 'é' }),
      reason: 'the attribute idempotencyKey must be 1–255 printable ASCII characters',
    },
    {
      name: 'no id at all, so that a second delivery could not be told from a second message',
      message: message(request, {}, null),
      reason: 'the message has no id: let the subscription write metadata',
    },
  ])('is refused: $name', ({ message: received, reason }) => {
    expect(parseIngest(received)).toEqual({ ok: false, reason });
  });

  test('has a body that is checked like that of HTTP', () => {
    const problemsOf = (received: Received) => {
      const parsed = parseIngest(received);
      const checked = parsed.ok ? parseRequest(parsed.ingest.body, rules) : undefined;
      return checked?.ok === false ? checked.problems.map(({ pointer }) => pointer) : [];
    };
    expect(problemsOf(message('1', { language: 'python', timeoutSeconds: '5' }))).toEqual([]);
    expect(problemsOf(message('1', { language: 'cobol', timeoutSeconds: 'x' }))).toEqual([
      '/language',
      '/timeoutSeconds',
    ]);
    expect(problemsOf(message({ ...event, data: { ...request, more: 1 } }))).toEqual(['/more']);
    expect(problemsOf(message(event))).toEqual(['']);
  });

  test('never makes the reader throw', () => {
    const names = ['language', 'idempotencyKey', 'timeoutSeconds', 'ce-specversion', 'ce-id', 'ce-source', 'image'];
    const attributes = fc.dictionary(fc.constantFrom(...names), fc.string());
    const eventLike = fc.record(
      {
        specversion: fc.string(),
        id: fc.string(),
        source: fc.string(),
        data: fc.jsonValue(),
        data_base64: fc.string(),
      },
      { requiredKeys: [] },
    );
    const data = fc.oneof(fc.uint8Array(), fc.jsonValue().map(bytes), eventLike.map(bytes), fc.string().map(bytes));
    fc.assert(
      fc.property(data, attributes, fc.option(fc.string()), (content, given, messageId) => {
        parseIngest({ messageId, publishTime: null, attributes: given, data: content });
      }),
      { numRuns: 500 },
    );
  });
});
