import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { httpExecutor } from '../../src/client/client.ts';
import type { Executor } from '../../src/executor.ts';
import { describeCluster, follow, type History, type Namespace, temporaryNamespace } from '../cluster.ts';
import { startsOnNode } from '../node-log.ts';
import { type Server, server, stateDirectory } from './command.ts';

const exec = promisify(execFile);
const minutes = 60_000;
const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

let stores = 0;
function serving(namespace: Namespace, store = `${state.path}/${stores++}.sqlite`) {
  return { store, start: () => server(['--store', store, '--sandbox', 'kubernetes', '--namespace', namespace.name]) };
}

/** Ten programs of different lengths, so that each is caught at another point. */
async function submitTen(
  executor: Executor,
  leastSeconds = 0,
  fields: object = {},
): Promise<readonly { readonly id: string; readonly n: number }[]> {
  return Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      const code = `import time, sys\nprint("begun", flush=True)\ntime.sleep(${leastSeconds + n / 2})\nprint(${n})\nsys.exit(${n})`;
      const { execution } = await executor.submit({ language: 'python', code, ...fields }, {});
      return { id: execution.id, n };
    }),
  );
}

async function expectTrueResults(executor: Executor, all: readonly { readonly id: string; readonly n: number }[]) {
  for (const { id, n } of all) {
    const ended = await executor.wait(id, 120);
    const stdout = Buffer.from((await executor.output(id, 'stdout')) ?? []).toString();
    const { exitCode, reason, message } = ended?.result ?? {};
    expect({ state: ended?.state, exitCode, stdout }, `${n}: ${reason}: ${message}`).toEqual({
      state: n === 0 ? 'SUCCEEDED' : 'FAILED',
      exitCode: n,
      stdout: `begun\n${n}\n`,
    });
  }
}

/** A container that the kubelet is about to start when it is killed never starts: that is told, and is no true result. */
async function untilAllRun(executor: Executor, all: readonly { readonly id: string }[]) {
  const notStarted = async () => {
    const states = await Promise.all(all.map(async ({ id }) => (await executor.get(id))?.state));
    return states.filter((state) => state === 'ACCEPTED' || state === 'LAUNCHING').length;
  };
  await expect.poll(notStarted, { timeout: 60_000, interval: 200 }).toBe(0);
}

async function expectOneStartEach(namespace: Namespace, starts: History['starts'], count: number) {
  // Who was killed has his work to take up again first.
  await expect.poll(() => namespace.objects(), { timeout: 90_000, interval: 1_000 }).toEqual([]);
  await sleep(5_000);
  expect([...starts().values()]).toEqual(Array(count).fill(1));
  expect(await namespace.objects()).toEqual([]);
}

await describeCluster('what dies in the middle', () => {
  it.each([200, 1_500, 3_000])(
    'serve, killed %i ms after ten submissions and started again',
    async (after) => {
      await using namespace = await temporaryNamespace();
      using history = await follow(namespace.name);
      const { start } = serving(namespace);
      const first = await start();
      const all = await submitTen(httpExecutor({ server: new URL(first.url) }));
      await sleep(after);
      await first.end('SIGKILL');
      const second = await start();
      await expectTrueResults(httpExecutor({ server: new URL(second.url) }), all);
      await expectOneStartEach(namespace, history.starts, all.length);
      await second.end('SIGTERM');
    },
    5 * minutes,
  );

  const control = process.env['CLUSTER_CONTROL'];
  if (control === undefined) {
    if (process.env['CI'] === 'true') throw new Error('CLUSTER_CONTROL is not set, and CI must not skip a suite');
    process.stderr.write('\nSKIPPED: restarts of the control plane: CLUSTER_CONTROL is not set\n');
  }
  it.skipIf(control === undefined).each(['kube-apiserver', 'kubelet', 'kube-apiserver and kubelet'])(
    '%s, killed and started again',
    async (components) => {
      await using namespace = await temporaryNamespace();
      const running: Server = await serving(namespace).start();
      const executor = httpExecutor({ server: new URL(running.url) });
      const killsKubelet = components.includes('kubelet');
      const all = await submitTen(executor, killsKubelet ? 12 : 0);
      await (killsKubelet ? untilAllRun(executor, all) : sleep(1_500));
      for (const component of components.split(' and ')) {
        await exec(join(control ?? '', 'restart'), [component], { timeout: 60_000 });
      }
      await expectTrueResults(executor, all);
      await expectOneStartEach(namespace, () => startsOnNode(namespace.name), all.length);
      await running.end('SIGTERM');
    },
    5 * minutes,
  );

  it.skipIf(control === undefined)(
    'the kubelet, killed while it starts containers: what it did not start ends as that, in time, and nothing runs twice',
    async () => {
      await using namespace = await temporaryNamespace();
      const running: Server = await serving(namespace).start();
      const executor = httpExecutor({ server: new URL(running.url) });
      const all = await submitTen(executor, 4, { startTimeoutSeconds: 60 });
      await sleep(1_500);
      await exec(join(control ?? '', 'restart'), ['kubelet'], { timeout: 60_000 });
      const endings = await Promise.all(all.map(async ({ id }) => executor.wait(id, 150)));
      for (const [n, ended] of endings.entries()) {
        const { started, exitCode, fault, reason, message } = ended?.result ?? {};
        const itself = { started: true, exitCode: n, fault: n === 0 ? null : 'program' };
        const notStarted = { started: false, exitCode: null, fault: 'platform' };
        const said = `${n}: ${ended?.state}: ${reason}: ${message}`;
        expect([itself, notStarted], said).toContainEqual({ started, exitCode, fault });
      }
      await expect.poll(() => namespace.objects(), { timeout: 90_000, interval: 1_000 }).toEqual([]);
      expect(Math.max(...(await startsOnNode(namespace.name)).values())).toBe(1);
      await running.end('SIGTERM');
    },
    5 * minutes,
  );
});
