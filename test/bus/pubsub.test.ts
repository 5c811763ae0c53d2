import { randomUUID } from 'node:crypto';
import { PubSub, type Message as PubsubMessage } from '@google-cloud/pubsub';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { topics } from '../../src/bus/bus.ts';
import { type PubsubBusOptions, pubsubBus } from '../../src/bus/pubsub.ts';
import { UnavailableError } from '../../src/errors.ts';
import { busContract } from '../contracts/bus.ts';
import { describeEmulator, testWithOwnEmulator } from '../emulators.ts';
import { startTcpProxy } from '../tcp-proxy.ts';

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
    const bus = pubsubBus({ pubsub, closeWaitMs: 1500 });
    return {
      bus,
      close: async () => {
        await bus.close();
        await pubsub.close();
      },
    };
  });

  let pubsub: PubSub;
  beforeEach(async () => {
    pubsub = await client();
  });
  afterEach(() => pubsub.close());

  const open = (options: Omit<PubsubBusOptions, 'pubsub'> = {}) => {
    const bus = pubsubBus({ pubsub, closeWaitMs: 1500, ...options });
    onTestFinished(bus.close);
    return bus;
  };

  test('a message is two or three attributes and no data', async () => {
    await prepare(pubsub, 'gce-');
    const received: unknown[] = [];
    const subscription = pubsub.subscription('gce-watch-wanted');
    subscription.on('message', ({ data, attributes, ack }: PubsubMessage) =>
      received.push([data.length, attributes, ack]),
    );
    let current: string | undefined;
    const bus = open({ prefix: 'gce-', traceparent: () => current });
    await bus.publish('watch-wanted', { executionId: 'a' });
    await until(() => expect(received).toHaveLength(1));
    current = traceparent;
    await bus.publish('watch-wanted', { executionId: 'b' });
    await until(() => expect(received).toHaveLength(2));
    expect(received).toEqual([
      [0, { executionId: 'a', schemaVersion: '1' }, expect.any(Function)],
      [0, { executionId: 'b', schemaVersion: '1', traceparent }, expect.any(Function)],
    ]);
    await subscription.close();
  });

  test('a handler gets the trace context of whoever published', async () => {
    await prepare(pubsub);
    const bus = open({ traceparent: () => traceparent });
    const received: unknown[] = [];
    bus.subscribe('execution-requested', async (message) => void received.push(message));
    await bus.publish('execution-requested', { executionId: 'a' });
    await until(() => expect(received).toEqual([{ executionId: 'a', traceparent }]));
  });

  test('a message is acknowledged when its handler has returned, and given back when its process ends before', async () => {
    await prepare(pubsub);
    const [first, second, third] = [open({ closeWaitMs: 1100 }), open(), open()];
    const began = Promise.withResolvers<void>();
    first.subscribe('execution-observed', () => {
      began.resolve();
      return new Promise(() => {});
    });
    await first.publish('execution-observed', { executionId: 'a' });
    await began.promise;
    await first.close();
    const handled: string[] = [];
    second.subscribe('execution-observed', async ({ executionId }) => void handled.push(executionId));
    await until(() => expect(handled).toEqual(['a']));
    await second.close();
    third.subscribe('execution-observed', async ({ executionId }) => void handled.push(executionId));
    await third.publish('execution-observed', { executionId: 'b' });
    await until(() => expect(handled).toContain('b'));
    expect(handled).toEqual(['a', 'b']);
  });

  test('an error of a handler is reported with its message', async () => {
    await prepare(pubsub);
    const errors: unknown[] = [];
    const bus = open({ onError: (...reported) => errors.push(reported) });
    const error = new Error('no');
    let handled = 0;
    bus.subscribe('execution-observed', async () => {
      if (handled++ === 0) throw error;
    });
    await bus.publish('execution-observed', { executionId: 'a' });
    await until(() => expect(handled).toBe(2));
    expect(errors).toEqual([['execution-observed', { executionId: 'a', traceparent: undefined }, error]]);
  });

  test('a message that nobody can read is reported once and dropped', async () => {
    await prepare(pubsub);
    const errors: unknown[] = [];
    const handled: string[] = [];
    const subscribed = () => {
      const bus = open({ onError: (...reported) => errors.push(reported) });
      bus.subscribe('execution-observed', async ({ executionId }) => void handled.push(executionId));
      return bus;
    };
    const first = subscribed();
    const id = await pubsub.topic('execution-observed').publishMessage({ data: Buffer.from('{}') });
    await until(() => expect(errors).not.toEqual([]));
    await first.close();
    const second = subscribed();
    await second.publish('execution-observed', { executionId: 'a' });
    await until(() => expect(handled).toEqual(['a']));
    const error = new Error(`message ${id} is dropped: the attribute executionId is missing`);
    expect(errors).toEqual([['execution-observed', undefined, error]]);
  });

  test('a topic that is missing is named', async () => {
    await expect(open({ prefix: 'x-' }).publish('watch-wanted', { executionId: 'a' })).rejects.toThrow(
      new UnavailableError(
        'there is no Pub/Sub topic x-watch-wanted: create it (terraform apply does), or set another prefix',
      ),
    );
  });

  test('a subscription that is missing is named, and used when it comes', async () => {
    const errors: unknown[] = [];
    const bus = open({ onError: (...reported) => errors.push(reported) });
    const handled: string[] = [];
    bus.subscribe('watch-wanted', async ({ executionId }) => void handled.push(executionId));
    await until(() => expect(errors).not.toEqual([]));
    expect(errors[0]).toEqual([
      'watch-wanted',
      undefined,
      new UnavailableError(
        'there is no Pub/Sub subscription watch-wanted: create it (terraform apply does), or set another prefix',
      ),
    ]);
    await prepare(pubsub);
    await bus.publish('watch-wanted', { executionId: 'a' });
    await until(() => expect(handled).toEqual(['a']));
  });

  test('a closed bus publishes no more', async () => {
    const bus = open();
    await bus.close();
    await expect(bus.publish('watch-wanted', { executionId: 'a' })).rejects.toThrow('the bus is closed');
  });

  test('a topic has one handler', () => {
    const bus = open();
    bus.subscribe('watch-wanted', async () => {});
    expect(() => bus.subscribe('watch-wanted', async () => {})).toThrow('watch-wanted has its handler already');
  });

  test('while it is away publishing says so, and it is used again when it is back', async () => {
    await using proxy = await startTcpProxy(await emulator());
    const down = await client(proxy.host);
    await prepare(down);
    const bus = pubsubBus({ pubsub: down, closeWaitMs: 1500, publishWaitMs: 500 });
    const handled: string[] = [];
    bus.subscribe('watch-wanted', async ({ executionId }) => void handled.push(executionId));
    await bus.publish('watch-wanted', { executionId: 'a' });
    await until(() => expect(handled).toEqual(['a']));
    await proxy.goDown();
    await expect(bus.publish('watch-wanted', { executionId: 'b' })).rejects.toThrow(
      /^cannot reach Pub\/Sub \(.+\): try again; what was published may have been accepted$/,
    );
    await proxy.comeBack();
    // What goes to a stream that is broken comes again after the subscription's 10 s, so one message is not enough.
    const heard = async () => {
      await bus.publish('watch-wanted', { executionId: 'c' });
      expect(handled).toContain('c');
    };
    await vi.waitFor(heard, { timeout: 30_000, interval: 200 });
    await bus.close();
    await down.close();
  });

  testWithOwnEmulator('pubsub', 'an emulator that dies and comes back, empty, is used again', async (own) => {
    const survivor = await client(own.host);
    await prepare(survivor);
    const bus = pubsubBus({ pubsub: survivor, closeWaitMs: 1500 });
    const handled: string[] = [];
    bus.subscribe('watch-wanted', async ({ executionId }) => void handled.push(executionId));
    await bus.publish('watch-wanted', { executionId: 'a' });
    await until(() => expect(handled).toEqual(['a']));
    await own.kill();
    await own.start();
    await vi.waitFor(() => prepare(survivor), { timeout: 30_000, interval: 100 });
    await bus.publish('watch-wanted', { executionId: 'b' });
    await vi.waitFor(() => expect(handled).toContain('b'), { timeout: 60_000 });
    await bus.close();
    await survivor.close();
  });
});
