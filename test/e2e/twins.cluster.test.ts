import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { inProcessBus } from '../../src/bus/in-process.ts';
import { isFinal } from '../../src/execution/execution.ts';
import { parseRequest } from '../../src/execution/request.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { launch } from '../../src/pipeline/launch.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { submit } from '../../src/pipeline/submit.ts';
import { watch } from '../../src/pipeline/watch.ts';
import { kubernetesSandbox } from '../../src/sandbox/kubernetes/sandbox.ts';
import { sqliteStore } from '../../src/store/sqlite.ts';
import { describeCluster, follow, temporaryNamespace } from '../cluster.ts';
import { scaled } from '../scale.ts';
import { stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

await describeCluster('two launchers at once', () => {
  it('start each execution once, seen from the cluster', async () => {
    const count = scaled(200);
    await using namespace = await temporaryNamespace({ jobs: 8 });
    using history = await follow(namespace.name);
    const store = await sqliteStore({ path: state.store });
    const { installation } = store;
    const twin = async (): Promise<Ports & { close(): Promise<void> }> => {
      const sandbox = await kubernetesSandbox({ namespace: namespace.name, installation });
      const clock = { now: Date.now, sleep: async (ms: number) => void (await sleep(ms)) };
      return { store, sandbox, bus: inProcessBus(), clock, randomBytes, process: null, close: () => sandbox.close() };
    };
    const [left, right, completion] = [await twin(), await twin(), await twin()];
    completion.bus.subscribe('execution-observed', ({ executionId }) => complete(completion, executionId));
    const over = new AbortController();
    const watching = watch(completion, over.signal, () => {});
    const rules = { minimumMemoryMiB: () => 1, images: 'any' as const };
    const parsed = parseRequest({ language: 'python', code: 'print(1)' }, rules);
    if (!parsed.ok) throw new Error('the request is right');
    const ids: string[] = [];
    while (ids.length < count) {
      const { execution } = await submit({ ...left, onError: () => {} }, parsed.submission, { caller: 'test' });
      ids.push(execution.id);
      await Promise.all([launch(left), launch(right)]);
    }
    for (const id of ids) {
      await expect.poll(async () => isFinalIn(store, id), { timeout: 120_000, interval: 200 }).toBe('SUCCEEDED');
    }
    over.abort();
    await watching;
    await sleep(2_000);
    const starts = history.starts();
    expect(starts.size).toBe(count);
    expect(new Set(starts.values())).toEqual(new Set([1]));
    expect(await namespace.objects()).toEqual([]);
    for (const ports of [left, right, completion]) await ports.close();
    store.close();
  }, 900_000);
});

async function isFinalIn(store: Awaited<ReturnType<typeof sqliteStore>>, id: string) {
  const execution = await store.executions.get(id);
  return execution !== undefined && isFinal(execution) ? execution.state : undefined;
}
