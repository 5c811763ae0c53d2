import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { PubSub, type PushConfig } from '@google-cloud/pubsub';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parseBell, parsePush, type Received } from '../../src/bus/envelope.ts';
import { parseIngest } from '../../src/bus/ingest.ts';
import { pubsubPublisher } from '../../src/bus/pubsub.ts';
import { describeEmulator } from '../emulators.ts';

const until = (assertion: () => void) => vi.waitFor(assertion, { timeout: 20_000, interval: 5 });

/** A server that answers as `statuses` say, 204 when they are used up, and keeps what it could read. */
async function endpoint(...statuses: number[]) {
  const arrived: Received[] = [];
  const server = createServer(async (request, response) => {
    const parsed = parsePush({ headers: request.headers, body: await buffer(request) });
    if (parsed.ok) arrived.push(parsed.message);
    response.writeHead(statuses.shift() ?? 204).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { arrived, pushEndpoint: `http://127.0.0.1:${address.port}/` };
}

describeEmulator('pubsub', 'what Pub/Sub pushes', (emulator) => {
  const topicPushedTo = async (pushConfig: PushConfig) => {
    const pubsub = new PubSub({ projectId: `test-${randomUUID()}`, apiEndpoint: await emulator(), emulatorMode: true });
    onTestFinished(() => pubsub.close());
    const [topic] = await pubsub.createTopic('watch-wanted');
    await topic.createSubscription('push', { pushConfig });
    return { topic, bus: pubsubPublisher({ pubsub }) };
  };

  test('is the bell that was rung, and comes again when it was not acknowledged', async () => {
    const { arrived, pushEndpoint } = await endpoint(500, 503);
    const { bus } = await topicPushedTo({ pushEndpoint });
    await bus.publish('watch-wanted', { executionId: 'a' });
    await until(() => expect(arrived.length).toBeGreaterThanOrEqual(3));
    expect(new Set(arrived.map(({ messageId }) => messageId)).size).toBe(1);
    expect(Math.abs(Date.now() - (arrived[0]?.publishTime ?? 0))).toBeLessThan(60_000);
    const bell = { executionId: 'a', traceparent: undefined };
    for (const message of arrived) expect(parseBell(message)).toEqual({ ok: true, bell });
  });

  test.each([
    { form: 'wrapped', config: {} },
    { form: 'unwrapped', config: { noWrapper: { writeMetadata: true } } },
  ])('is the request that was published, $form', async ({ config }) => {
    const { arrived, pushEndpoint } = await endpoint();
    const { topic } = await topicPushedTo({ pushEndpoint, ...config });
    const attributes = { language: 'python', timeoutSeconds: '5' };
    const messageId = await topic.publishMessage({ data: Buffer.from('print("é")'), attributes });
    await until(() => expect(arrived).not.toEqual([]));
    expect(arrived.map(parseIngest)).toEqual([
      {
        ok: true,
        ingest: {
          body: { language: 'python', code: 'print("é")', timeoutSeconds: 5 },
          idempotencyKey: `message:${messageId}`,
        },
      },
    ]);
  });
});
