import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Bus, type Message, type Topic, topics } from '../../src/bus/bus.ts';

/** A bus of an adapter under test on which nothing was published yet. */
export interface BusHarness {
  readonly bus: Bus;
  close(): Promise<void>;
}

const range = (length: number) => Array.from({ length }, (_, index) => index);
const until = (assertion: () => void) => vi.waitFor(assertion, { timeout: 20_000, interval: 5 });

/** What every adapter of the bus port must do: at least once, in any order. */
export function busContract(adapter: string, start: () => Promise<BusHarness>): void {
  describe(`${adapter} keeps the contract of the bus`, () => {
    let harness: BusHarness;
    let bus: Bus;

    beforeEach(async () => {
      harness = await start();
      bus = harness.bus;
    });
    afterEach(() => harness.close());

    const receive = (topic: Topic) => {
      const received: string[] = [];
      bus.subscribe(topic, async ({ executionId }) => void received.push(executionId));
      return received;
    };

    test('delivers a message to the handler of its topic and to no other', async () => {
      const received = topics.map((topic) => receive(topic));
      for (const topic of topics) await bus.publish(topic, { executionId: `for ${topic}` });
      const expected = topics.map((topic) => set(`for ${topic}`));
      await until(() => expect(received.map((ids) => new Set(ids))).toEqual(expected));
    });

    test('keeps what is published before there is a handler', async () => {
      await bus.publish('watch-wanted', { executionId: 'a' });
      await bus.publish('watch-wanted', { executionId: 'b' });
      const received = receive('watch-wanted');
      await until(() => expect(new Set(received)).toEqual(set('a', 'b')));
    });

    test('does not run the handler inside publish', async () => {
      const received = receive('execution-requested');
      const published = bus.publish('execution-requested', { executionId: 'a' });
      expect(received).toEqual([]);
      await published;
      await until(() => expect(received).not.toEqual([]));
    });

    test('delivers every one of many executions', async () => {
      const received = receive('execution-requested');
      const ids = range(200).map(String);
      await Promise.all(ids.map((executionId) => bus.publish('execution-requested', { executionId })));
      await until(() => expect(new Set(received)).toEqual(set(...ids)));
    });

    test('delivers again until the handler returns, whether it threw or rejected', async () => {
      const tries: Message[] = [];
      const fail = (message: Message): Promise<void> => {
        tries.push(message);
        if (tries.length === 1) throw new Error('thrown');
        return tries.length < 4 ? Promise.reject(new Error('rejected')) : Promise.resolve();
      };
      bus.subscribe('execution-observed', fail);
      await bus.publish('execution-observed', { executionId: 'a' });
      await until(() => expect(tries.length).toBeGreaterThanOrEqual(4));
      expect(new Set(tries.map(({ executionId }) => executionId))).toEqual(set('a'));
    });

    test('lets no execution wait for one whose handler fails or takes long', async () => {
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      const done: string[] = [];
      bus.subscribe('execution-requested', async ({ executionId }) => {
        if (executionId === 'slow') await released;
        if (executionId === 'failing') throw new Error('always');
        done.push(executionId);
      });
      for (const executionId of ['slow', 'failing', 'a', 'b'])
        await bus.publish('execution-requested', { executionId });
      await until(() => expect(new Set(done)).toEqual(set('a', 'b')));
      release();
      await until(() => expect(done).toContain('slow'));
    });

    test('delivers after its publish what is published while the same is being handled', async () => {
      const events: string[] = [];
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      bus.subscribe('execution-observed', async () => {
        events.push('handling');
        await released;
      });
      await bus.publish('execution-observed', { executionId: 'a' });
      await until(() => expect(events).toContain('handling'));
      await bus.publish('execution-observed', { executionId: 'a' });
      events.push('published');
      release();
      await until(() => expect(events.lastIndexOf('handling')).toBeGreaterThan(events.indexOf('published')));
    });

    test('takes messages from handlers, about the same execution too', async () => {
      const rounds: string[] = [];
      bus.subscribe('execution-requested', async ({ executionId }) => {
        rounds.push(executionId);
        if (rounds.length < 3) await bus.publish('execution-requested', { executionId });
      });
      await bus.publish('execution-requested', { executionId: 'a' });
      await until(() => expect(rounds.length).toBeGreaterThanOrEqual(3));
    });
  });
}

function set(...ids: string[]): Set<string> {
  return new Set(ids);
}
