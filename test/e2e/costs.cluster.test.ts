import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { describeCloud } from './cloud.ts';
import { stateDirectory } from './command.ts';
import { proxiedKubeconfigs } from './kubeconfigs.ts';
import { overhear } from './overhear.ts';

const minutes = 60_000;
const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

await describeCloud('the work that one small execution makes', (start) => {
  test(
    'is at most five writes, four messages and eight calls of the cluster, all functions together',
    async () => {
      await using stack = new AsyncDisposableStack();
      const kubeconfigs = await proxiedKubeconfigs(state.path, stack, {});
      const cloud = await start({ kubeconfig: kubeconfigs.of });
      const messages: string[] = [];
      const writes: string[] = [];
      const ears = {
        message: (topic: string) => messages.push(topic),
        write: (written: string) => writes.push(written),
      };
      await overhear(cloud, ears, stack);
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
