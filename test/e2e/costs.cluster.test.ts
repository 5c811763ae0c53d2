import { setTimeout as sleep } from 'node:timers/promises';
import { Firestore } from '@google-cloud/firestore';
import { afterAll, expect, test, vi } from 'vitest';
import { subscribedTopics } from '../../src/bus/subscribers.ts';
import { clientSettings } from '../../src/store/firestore.ts';
import { type Cloud, describeCloud } from './cloud.ts';
import { stateDirectory } from './command.ts';
import { proxiedKubeconfigs } from './kubeconfigs.ts';

const minutes = 60_000;
const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

/** Sees every message there is, beside the functions that it is for. */
async function countMessages({ pubsub }: Cloud, stack: AsyncDisposableStack): Promise<readonly string[]> {
  const seen: string[] = [];
  for (const name of subscribedTopics) {
    const [subscription] = await pubsub.topic(name).createSubscription(`${name}-seen`);
    subscription.on('message', (message) => {
      seen.push(name);
      message.ack();
    });
    stack.defer(() => subscription.close());
  }
  return seen;
}

/** Hears of every write of a document under `executions`. */
function countWrites(firestore: Firestore, stack: AsyncDisposableStack): readonly string[] {
  const writes: string[] = [];
  const stop = firestore.collection('executions').onSnapshot((snapshot) => {
    for (const { doc } of snapshot.docChanges()) writes.push(`${doc.get('by.state')}`);
  });
  stack.defer(stop);
  return writes;
}

await describeCloud('the work that one small execution makes', (start) => {
  test(
    'is at most five writes, four messages and eight calls of the cluster, all functions together',
    async () => {
      await using stack = new AsyncDisposableStack();
      const kubeconfigs = await proxiedKubeconfigs(state.path, stack, {});
      const cloud = await start({ kubeconfig: kubeconfigs.of });
      const firestore = new Firestore({
        ...{ ...clientSettings, projectId: cloud.projectId, host: cloud.firestoreHost, ssl: false },
      });
      stack.defer(() => firestore.terminate());
      const messages = await countMessages(cloud, stack);
      const writes = countWrites(firestore, stack);
      const costs = async () => {
        const before = [messages.length, writes.length, kubeconfigs.requests.length];
        const { execution } = await cloud.executor.submit({ language: 'python', code: 'print(1)' }, {});
        expect(await cloud.executor.wait(execution.id, 60)).toMatchObject({ state: 'SUCCEEDED' });
        await vi.waitFor(async () => expect(await cloud.namespace.objects()).toEqual([]), { timeout: 20_000 });
        await sleep(1_000);
        return {
          messages: messages.slice(before[0]),
          writes: writes.slice(before[1]),
          calls: kubeconfigs.requests.slice(before[2]).map((request) => request.replace(/[?].*/, '')),
        };
      };
      const fromIdle = await costs();
      const next = await costs();
      for (const [name, { messages, writes, calls }] of Object.entries({ fromIdle, next })) {
        console.log(`${name}: ${writes.length} writes, ${messages.length} messages, ${calls.length} calls`);
      }
      expect(next.writes.length, next.writes.join()).toBeLessThanOrEqual(5);
      expect(next.messages.length, next.messages.join()).toBeLessThanOrEqual(4);
      expect(next.calls.length, next.calls.join('\n')).toBeLessThanOrEqual(8);
      expect(fromIdle.messages.length, fromIdle.messages.join()).toBeLessThanOrEqual(5);
    },
    3 * minutes,
  );
});
