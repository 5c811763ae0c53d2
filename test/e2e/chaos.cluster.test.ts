import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, onTestFailed, test, vi } from 'vitest';
import type { Executor } from '../../src/executor.ts';
import { faults, startFaultProxy } from '../fault-proxy.ts';
import { scaled } from '../scale.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { type Cloud, describeCloud } from './cloud.ts';
import { stateDirectory } from './command.ts';
import { proxiedKubeconfigs } from './kubeconfigs.ts';

const minutes = 60_000;
const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

/** Share of the requests that are harmed, at every proxy. */
const harmed = 0.05;

/** Seeded, so that a run can be looked at again; what it meets differs all the same. */
function dice(seed: number): () => number {
  let now = seed;
  return () => {
    now = (now * 1_103_515_245 + 12_345) % 2 ** 31;
    return now / 2 ** 31;
  };
}

/** Asks until there is an answer, as a client that got an error and has an idempotency key does. */
async function insist<R>(ask: () => Promise<R>): Promise<R> {
  const giveUpAt = Date.now() + 5 * minutes;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await sleep(300);
    }
  }
}

async function submitAll(
  executor: Executor,
  count: number,
): Promise<readonly { readonly id: string; readonly n: number }[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const code = `import sys, time\nprint("number", ${n}, flush=True)\ntime.sleep(${(n % 5) / 5})\nsys.exit(${n % 7})`;
      const body = { language: 'python', code, startTimeoutSeconds: 1800 };
      const { execution } = await insist(() => executor.submit(body, { idempotencyKey: `key ${n}` }));
      return { id: execution.id, n };
    }),
  );
}

async function expectResult({ executor }: Cloud, { id, n }: { readonly id: string; readonly n: number }) {
  const ended = await insist(async () => {
    const now = await executor.wait(id, 60);
    if (now?.done !== true) throw new Error(`execution ${id} is ${now?.state}`);
    return now;
  });
  const stdout = await insist(() => executor.output(id, 'stdout'));
  expect({
    n,
    state: ended.state,
    exitCode: ended.result?.exitCode,
    stdout: Buffer.from(stdout ?? []).toString(),
  }).toEqual({
    n,
    state: n % 7 === 0 ? 'SUCCEEDED' : 'FAILED',
    exitCode: n % 7,
    stdout: `number ${n}\n`,
  });
}

await describeCloud('under faults at every connection, and kills', (start) => {
  test(
    'every execution ends right, none runs twice, and nothing is left',
    async () => {
      const count = scaled(200);
      const seed = Date.now() % 100_000;
      const random = dice(seed);
      await using stack = new AsyncDisposableStack();
      let quiet = true;
      const next = () => (quiet || random() >= harmed ? undefined : faults[Math.floor(random() * faults.length)]);
      const tcp: { cut(): void }[] = [];
      const cloud = await start({
        jobs: 8,
        kubeconfig: (await proxiedKubeconfigs(state.path, stack, { next })).of,
        pushVia: async (_name, url) => stack.use(await startFaultProxy({ target: url, next })).url,
        through: async (_kind, host) => {
          const proxy = stack.use(await startTcpProxy(host));
          tcp.push(proxy);
          return proxy.host;
        },
      });
      quiet = false;
      const trouble = new AbortController();
      onTestFailed(async () => console.error(JSON.stringify((await cloud.executor.list({ limit: 100 })).executions)));
      const kills = killing(cloud, random, tcp, trouble.signal);
      const all = await submitAll(cloud.executor, count);
      for (const each of all) await expectResult(cloud, each);
      quiet = true;
      trouble.abort();
      const killed = await kills;
      console.log(`seed ${seed}: ${count} executions, ${killed} kills`);
      const { history, namespace } = cloud;
      await vi.waitFor(
        async () => {
          await cloud.cloud.reconcile();
          expect(await namespace.objects()).toEqual([]);
        },
        { timeout: 2 * minutes, interval: 2_000 },
      );
      expect(Array.from(history.starts().values())).toEqual(Array(count).fill(1));
      expect((await cloud.executor.list({ limit: 100 })).executions.every(({ done }) => done)).toBe(true);
    },
    20 * minutes,
  );
});

/** Every two seconds kills a function, and now and then cuts every connection to an emulator; resolves to the kills. */
async function killing(
  { cloud }: Cloud,
  random: () => number,
  tcp: readonly { cut(): void }[],
  signal: AbortSignal,
): Promise<number> {
  const names = Object.keys(cloud.functions);
  let killed = 0;
  while (!signal.aborted) {
    await sleep(2_000, undefined, { signal }).catch(() => {
      // The abort is the loop's condition.
    });
    if (signal.aborted) break;
    if (random() < 0.3) for (const proxy of tcp) proxy.cut();
    const name = names[Math.floor(random() * names.length)];
    const victim = Object.entries(cloud.functions).find(([known]) => known === name)?.[1];
    await victim?.crash();
    killed += 1;
  }
  return killed;
}
