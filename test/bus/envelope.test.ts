import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PushRequest, parseBell, parsePush, type Received, toAttributes } from '../../src/bus/envelope.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const bytes = (text: string) => new TextEncoder().encode(text);
const subscription = 'projects/p/subscriptions/s';
const publishTime = '2026-01-02T03:04:05.678Z';
const attributes = { executionId: 'a', schemaVersion: '1' };
const message = { data: base64('é\u0000'), attributes, messageId: '17', publishTime };
const received: Received = {
  messageId: '17',
  publishTime: Date.parse(publishTime),
  attributes,
  data: bytes('é\u0000'),
};
const empty: Received = { messageId: null, publishTime: null, attributes: {}, data: new Uint8Array() };
const event = {
  specversion: '1.0',
  id: 'event',
  source: '//pubsub.googleapis.com/projects/p/topics/t',
  type: 'google.cloud.pubsub.topic.v1.messagePublished',
  time: publishTime,
  datacontenttype: 'application/json',
};
const eventHeaders = { 'ce-specversion': '1.0', 'ce-id': '18', 'ce-source': event.source, 'ce-type': event.type };
const metadata = {
  'x-goog-pubsub-subscription-name': subscription,
  'x-goog-pubsub-message-id': '17',
  'x-goog-pubsub-publish-time': publishTime,
};

describe('parsePush reads', () => {
  test.each<{ name: string; headers?: PushRequest['headers']; body: unknown; message: Received }>([
    { name: 'a wrapped push', body: { message, subscription }, message: received },
    {
      name: 'both spellings at once, as the emulator sends them',
      body: { message: { ...message, message_id: '17', publish_time: publishTime }, subscription, deliveryAttempt: 3 },
      message: received,
    },
    {
      name: 'snake case alone',
      body: { message: { data: message.data, attributes, message_id: '17', publish_time: publishTime } },
      message: received,
    },
    { name: 'text that nobody parsed', body: JSON.stringify({ message }), message: received },
    { name: 'bytes that nobody parsed', body: bytes(JSON.stringify({ message })), message: received },
    {
      name: 'no data',
      body: { message: { attributes, messageId: '1' } },
      message: { ...empty, attributes, messageId: '1' },
    },
    { name: 'no attributes', body: { message: { data: '', messageId: '1' } }, message: { ...empty, messageId: '1' } },
    {
      name: 'nulls for what is not there',
      body: { message: { data: null, attributes: null, messageId: null, publishTime: null } },
      message: empty,
    },
    {
      name: 'a time that is none',
      body: { message: { messageId: '1', publishTime: 'yesterday' } },
      message: { ...empty, messageId: '1' },
    },
    {
      name: 'a CloudEvent in structured mode',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: { ...event, data: { message, subscription } },
      message: received,
    },
    {
      name: 'a CloudEvent as the functions framework makes it of a bare push',
      body: {
        ...event,
        data: { message: { '@type': 'type.googleapis.com/google.pubsub.v1.PubsubMessage', ...message } },
      },
      message: received,
    },
    {
      name: 'the id of the CloudEvent for want of another',
      body: { ...event, data: { message: {} } },
      message: { ...empty, messageId: 'event' },
    },
    {
      name: 'a CloudEvent in binary mode',
      headers: eventHeaders,
      body: { message: { data: message.data, attributes, publishTime }, subscription },
      message: { ...received, messageId: '18' },
    },
    {
      name: 'an unwrapped push',
      headers: { ...metadata, executionid: 'a', schemaversion: '1', authorization: 'Bearer secret', 'user-agent': 'x' },
      body: Buffer.from('é\u0000'),
      message: received,
    },
    {
      name: 'an unwrapped push whose data looks like a wrapped one',
      headers: metadata,
      body: { message: { data: 'eA==' } },
      message: { ...received, attributes: {}, data: bytes('{"message":{"data":"eA=="}}') },
    },
    {
      name: 'an unwrapped push of a CloudEvent, with every attribute that we know',
      headers: {
        ...metadata,
        ...eventHeaders,
        timeoutseconds: '5',
        maxstdoutbytes: '6',
        idempotencykey: 'k',
        language: 'python',
      },
      body: 'print(1)',
      message: {
        ...received,
        attributes: {
          ...eventHeaders,
          timeoutSeconds: '5',
          maxStdoutBytes: '6',
          idempotencyKey: 'k',
          language: 'python',
        },
        data: bytes('print(1)'),
      },
    },
    { name: 'an unwrapped push without metadata', body: 'print(1)', message: { ...empty, data: bytes('print(1)') } },
    { name: 'nothing', body: undefined, message: empty },
  ])('$name', ({ headers = {}, body, message: expected }) => {
    expect(parsePush({ headers, body })).toStrictEqual({ ok: true, message: expected });
  });
});

describe('parsePush refuses', () => {
  test.each([
    { body: { message: { data: 'ä' } }, reason: 'message.data must be base64 (RFC 4648 §4)' },
    { body: { message: { data: 'eA' } }, reason: 'message.data must be base64 (RFC 4648 §4)' },
    { body: { message: { data: 1 } }, reason: 'message.data must be a string' },
    { body: { message: { attributes: { a: 1 } } }, reason: 'message.attributes.a must be a string' },
    { body: { message: { attributes: 'a' } }, reason: 'message.attributes must be an object of strings' },
    {
      body: { message: { messageId: 1, publishTime: 2 } },
      reason: 'message.messageId must be a string; message.publishTime must be a string',
    },
    { body: { ...event, data: { message: { data: '=' } } }, reason: 'message.data must be base64 (RFC 4648 §4)' },
  ])('$body', ({ body, reason }) => {
    expect(parsePush({ headers: {}, body })).toEqual({ ok: false, reason: `not a Pub/Sub message: ${reason}` });
  });
});

test('parsePush throws at nothing', () => {
  const leaf = fc.oneof(fc.jsonValue({ depthSize: 'small' }), fc.uint8Array(), fc.string());
  const messageLike = fc.record(
    { data: leaf, attributes: leaf, messageId: leaf, message_id: leaf, publishTime: leaf },
    { requiredKeys: [] },
  );
  const wrapped = fc.record({ message: fc.oneof(messageLike, leaf), subscription: leaf }, { requiredKeys: [] });
  const body = fc.oneof(
    leaf,
    wrapped,
    wrapped.map((data) => ({ ...event, data })),
    wrapped.map((value) => JSON.stringify(value)),
  );
  const headers = fc.dictionary(
    fc.constantFrom('ce-id', 'executionid', 'x-goog-pubsub-message-id', 'x'),
    fc.oneof(fc.string(), fc.array(fc.string()), fc.constant(undefined)),
  );
  fc.assert(
    fc.property(headers, body, (head, content) => {
      const parsed = parsePush({ headers: head, body: content });
      if (parsed.ok) parseBell(parsed.message);
    }),
    { numRuns: 500 },
  );
});

describe('a bell', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  test.each([traceparent, undefined])('comes back as it was sent (trace context %s)', (trace) => {
    const sent = { ...empty, attributes: toAttributes({ executionId: 'a' }, trace) };
    expect(parseBell(sent)).toEqual({ ok: true, bell: { executionId: 'a', traceparent: trace } });
  });

  test('may be rung by hand, without a version', () => {
    expect(parseBell({ ...empty, attributes: { executionId: 'a' } })).toEqual({
      ok: true,
      bell: { executionId: 'a', traceparent: undefined },
    });
  });

  test.each(['', 'garbage', `${traceparent}\n`, traceparent.toUpperCase()])('ignores the trace context %j', (trace) => {
    expect(parseBell({ ...empty, attributes: { executionId: 'a', traceparent: trace } })).toEqual({
      ok: true,
      bell: { executionId: 'a', traceparent: undefined },
    });
  });

  test.each([
    { attributes: {}, reason: 'the attribute executionId is missing' },
    { attributes: { executionId: '' }, reason: 'the attribute executionId is missing' },
    { attributes: { executionId: 'a', schemaVersion: '2' }, reason: 'the attribute schemaVersion must be 1, got 2' },
  ])('is refused with $attributes', ({ attributes: given, reason }) => {
    expect(parseBell({ ...empty, attributes: given })).toEqual({ ok: false, reason });
  });
});
