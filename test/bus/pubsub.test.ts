import { randomUUID } from 'node:crypto';
import { PubSub, type Message as PubsubMessage } from '@google-cloud/pubsub';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { topics } from '../../src/bus/bus.ts';
import { pubsubPublisher } from '../../src/bus/pubsub.ts';
import { UnavailableError } from '../../src/errors.ts';
import { busContract } from '../contracts/bus.ts';
import { describeEmulator, testWithOwnEmulator } from '../emulators.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { puller } from './puller.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const until = (assertion: () => void) => vi.waitFor(assertion, { timeout: 20_000, interval: 5 });

/** Makes our topics, and a pull subscription of each. */
async function prepare(pubsub: PubSub, prefix = ''): Promise<void> {
  for (const topic of topics) {
    const [made] = await pubsub.createTopic(`${prefix}${topic}`);
    await made.createSubscription(`${prefix}${topic}`);
  }
}

describeEmulator('pubsub', 'Pub/Sub', (emulator) => {
  const client = async (host?: string) =>
    new PubSub({ projectId: `test-${randomUUID()}`, apiEndpoint: host ?? (await emulator()), emulatorMode: true });

  busContract('pubsub', async () => {
    const pubsub = await client();
    await prepare(pubsub);
    const { subscribe, close } = puller(pubsub);
    return {
      bus: { ...pubsubPublisher({ pubsub }), subscribe },
      close: async () => {
        await close();
        await pubsub.close();
      },
    };
  });

  let pubsub: PubSub;
  beforeEach(async () => {
    pubsub = await client();
  });
  afterEach(() => pubsub.close());

  test('a message is two or three attributes and no data', async () => {
    await prepare(pubsub, 'gce-');
    const received: unknown[] = [];
    const subscription = pubsub.subscription('gce-watch-wanted');
    subscription.on('message', ({ data, attributes }: PubsubMessage) => received.push([data.length, attributes]));
    onTestFinished(() => subscription.close());
    let current: string | undefined;
    const { publish } = pubsubPublisher({ pubsub, prefix: 'gce-', traceparent: () => current });
    await publish('watch-wanted', { executionId: 'a' });
    await until(() => expect(received).toHaveLength(1));
    current = traceparent;
    await publish('watch-wanted', { executionId: 'b' });
    await until(() => expect(received).toHaveLength(2));
    expect(received).toEqual([
      [0, { executionId: 'a', schemaVersion: '1' }],
      [0, { executionId: 'b', schemaVersion: '1', traceparent }],
    ]);
  });

  test('a topic that is missing is named, with the command that makes it', async () => {
    const { publish } = pubsubPublisher({ pubsub, prefix: 'x-' });
    await expect(publish('watch-wanted', { executionId: 'a' })).rejects.toThrow(
      new UnavailableError(
        'there is no Pub/Sub topic x-watch-wanted: make it with "gcloud pubsub topics create x-watch-wanted", or set ' +
          'another TOPIC_PREFIX',
      ),
    );
  });

  test('while it is away publishing says so, and it is used again when it is back', async () => {
    await using proxy = await startTcpProxy(await emulator());
    const down = await client(proxy.host);
    onTestFinished(() => down.close());
    await prepare(down);
    const { publish } = pubsubPublisher({ pubsub: down, publishWaitMs: 500 });
    await publish('watch-wanted', { executionId: 'a' });
    await proxy.goDown();
    await expect(publish('watch-wanted', { executionId: 'b' })).rejects.toThrow(
      /^cannot reach Pub\/Sub \(.+\): try again; what was published may have been accepted$/,
    );
    await proxy.comeBack();
    await vi.waitFor(() => publish('watch-wanted', { executionId: 'c' }), { timeout: 30_000, interval: 200 });
  });

  testWithOwnEmulator('pubsub', 'an emulator that dies and comes back, empty, is used again', async (own) => {
    const survivor = await client(own.host);
    onTestFinished(() => survivor.close());
    await prepare(survivor);
    const { publish } = pubsubPublisher({ pubsub: survivor });
    await publish('watch-wanted', { executionId: 'a' });
    await own.kill();
    await own.start();
    await vi.waitFor(() => prepare(survivor), { timeout: 30_000, interval: 100 });
    await publish('watch-wanted', { executionId: 'b' });
  });
});
