import { randomUUID } from 'node:crypto';
import { PubSub, type Message as PubsubMessage } from '@google-cloud/pubsub';
import { describe, expect, onTestFinished, test } from 'vitest';
import { deadLetterOf, deadLetters } from '../../src/bus/dead-letters.ts';
import { firstPublished, parsePush, poison, type Received, refuseOld } from '../../src/bus/envelope.ts';
import { parseIngest } from '../../src/bus/ingest.ts';
import { deadLetterTopic } from '../../src/bus/subscribers.ts';
import { dayMs, retention } from '../../src/execution/limits.ts';
import { describeEmulator } from '../emulators.ts';

const now = Date.parse('2026-06-01T00:00:00.000Z');
const long = retention.tombstoneDays * dayMs;
const iso = (time: number) => new Date(time).toISOString();
const message = (publishTime: number | null, attributes: Record<string, string> = {}): Received => ({
  messageId: '17',
  publishTime,
  attributes,
  data: Buffer.from('{}'),
});

describe('the age of a message', () => {
  test.each([
    ['is that of its publishing', message(5_000), 5_000],
    ['is unknown when nothing says it', message(null), null],
    [
      'is that of the message it was, when it is a dead letter',
      message(9_000, { originalPublishTime: iso(5_000) }),
      5_000,
    ],
    [
      'is that of the message that Pub/Sub gave up',
      message(9_000, { CloudPubSubDeadLetterSourceTopicPublishTime: iso(5_000) }),
      5_000,
    ],
    ['is never made less by an attribute', message(5_000, { originalPublishTime: iso(9_000) }), 5_000],
    ['minds no attribute that is no time', message(5_000, { originalPublishTime: 'once' }), 5_000],
  ])('%s', (_, received, expected) => {
    expect(firstPublished(received)).toBe(expected);
  });

  test('is refused from 40 days on', () => {
    const reason = 'it was published more than 40 days ago';
    expect(refuseOld(message(now - long), now)).toEqual({ ok: false, reason });
    expect(refuseOld(message(now, { originalPublishTime: iso(now - long) }), now)).toEqual({ ok: false, reason });
    expect(refuseOld(message(now - long + 1), now)).toBeUndefined();
    expect(refuseOld(message(null), now)).toBeUndefined();
  });

  test('and its id are read from headers too, where the subscription unwraps', () => {
    const headers = {
      'x-goog-pubsub-message-id': '18',
      'x-goog-pubsub-publish-time': iso(now),
      originalmessageid: '17',
      originalpublishtime: iso(now - long),
    };
    const parsed = parsePush({ headers, body: Buffer.from('{}') });
    expect(parsed.ok && refuseOld(parsed.message, now)).toMatchObject({ ok: false });
    expect(parsed.ok && parseIngest(parsed.message)).toMatchObject({ ingest: { idempotencyKey: 'message:17' } });
  });
});

describe('a dead letter is within the limits of Pub/Sub', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`own-${n}`, 'x']));

  test('of a message with as many attributes as there may be, without some that say nothing to us', () => {
    const ours = { language: 'python', idempotencyKey: 'k', 'ce-id': '1', timeoutSeconds: '5' };
    const { attributes } = deadLetterOf(message(now, { ...many(96), ...ours }), poison('wrong'));
    expect(Object.keys(attributes)).toHaveLength(100);
    expect(attributes).toMatchObject({
      ...ours,
      reason: 'wrong',
      originalMessageId: '17',
      originalPublishTime: iso(now),
    });
  });

  test('of a message with as many bytes as there may be, which no request has', () => {
    const { data } = deadLetterOf({ ...message(now), data: Buffer.alloc(10_000_000, 'x') }, poison('wrong'));
    expect(data.length).toBe(9_000_000);
  });

  test('of a message with half characters in its attributes, which Pub/Sub cannot have', () => {
    const { attributes } = deadLetterOf(message(now, { 'own\udc00': 'a\ud800' }), poison('wrong'));
    expect(attributes).toMatchObject({ 'own\ufffd': 'a\ufffd', reason: 'wrong' });
  });

  test.each([
    ['in ASCII', 'x'.repeat(5_000_000), 1024],
    ['in the middle of a character', 'é'.repeat(600), 1024],
    ['in the middle of a longer one', `${'x'.repeat(1022)}€`, 1022],
    ['in the middle of a pair', `${'x'.repeat(1023)}😀`, 1023],
  ])('of a message with a long reason, which is cut %s', (_, reason, bytes) => {
    expect(Buffer.byteLength(poison(reason).reason)).toBe(bytes);
    expect(reason.startsWith(poison(reason).reason)).toBe(true);
  });
});

describeEmulator('pubsub', 'a dead letter', (emulator) => {
  test('that is played back, even twice, is the same request of the same age', async () => {
    const pubsub = new PubSub({ projectId: `test-${randomUUID()}`, apiEndpoint: await emulator(), emulatorMode: true });
    onTestFinished(() => pubsub.close());
    const [topic] = await pubsub.createTopic(deadLetterTopic('executions'));
    const [subscription] = await topic.createSubscription('kept');
    onTestFinished(() => subscription.close());
    const kept: PubsubMessage[] = [];
    subscription.on('message', (each: PubsubMessage) => {
      kept.push(each);
      each.ack();
      arrived.resolve(each);
    });
    let arrived = Promise.withResolvers<PubsubMessage>();
    const setAside = async (received: Received, reason: string): Promise<Received> => {
      arrived = Promise.withResolvers();
      await deadLetters(pubsub, '').keep(received, poison(reason));
      const { id, publishTime, attributes, data } = await arrived.promise;
      return { messageId: id, publishTime: publishTime.getTime(), attributes, data };
    };
    const first = message(now, { more: 'x' });
    const second = await setAside(first, 'one');
    const third = await setAside(second, 'two');
    expect(third.messageId).not.toBe(first.messageId);
    expect(third.attributes).toEqual({
      more: 'x',
      reason: 'two',
      originalMessageId: '17',
      originalPublishTime: iso(now),
    });
    for (const again of [second, third]) {
      expect(firstPublished(again)).toBe(now);
      expect(parseIngest(again)).toEqual(parseIngest(first));
      expect(Buffer.from(again.data)).toEqual(first.data);
    }
    const unnamed = await setAside({ ...message(null), messageId: null }, 'three');
    expect(unnamed.attributes).toEqual({ reason: 'three' });
  });
});
