import { afterAll, expect, test, vi } from 'vitest';
import type { FunctionName } from '../../scripts/local-cloud.ts';
import type { State } from '../../src/execution/execution.ts';
import type { Identity } from '../../src/sandbox/kubernetes/manifests.ts';
import { type Cloud, describeCloud } from './cloud.ts';
import { stateDirectory } from './command.ts';
import { proxiedKubeconfigs } from './kubeconfigs.ts';
import { overhear } from './overhear.ts';

const minutes = 60_000;
const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

/** Moments at which a function is killed: around each call of the cluster, after each write, after each message. */
const moments: readonly Moment[] = [
  { kill: 'api', after: 'ACCEPTED' },
  { kill: 'launch', after: 'execution-requested' },
  { kill: 'launch', before: /^POST .*\/jobs/ },
  { kill: 'launch', after: /^POST .*\/jobs/ },
  { kill: 'launch', after: 'LAUNCHING' },
  { kill: 'launch', before: /^POST .*\/configmaps/ },
  { kill: 'launch', after: /^POST .*\/configmaps/ },
  { kill: 'watch', after: 'watch-wanted' },
  { kill: 'watch', before: /^GET .*\/pods.*watch=true/ },
  { kill: 'watch', after: 'RUNNING' },
  { kill: 'watch', after: 'execution-observed' },
  { kill: 'complete', before: /^GET .*\/pods\?/ },
  { kill: 'complete', before: /^GET .*\/log/ },
  { kill: 'complete', after: /^GET .*\/log/ },
  { kill: 'complete', after: 'SUCCEEDED' },
  { kill: 'complete', before: /^DELETE .*\/jobs/ },
  { kill: 'complete', after: /^DELETE .*\/jobs/ },
];

interface Moment {
  readonly kill: FunctionName;
  /** A call of the cluster that has not been made yet. */
  readonly before?: RegExp;
  /** A call that was answered, a state that was written, or a message that was published. */
  readonly after?: RegExp | State | 'execution-requested' | 'watch-wanted' | 'execution-observed';
}

/** Waits for its moment, and then kills, once. */
function ambush() {
  let waiting: Moment | undefined;
  let cloud: Cloud | undefined;
  let killed = false;
  const strike = async (isNow: (moment: Moment) => boolean) => {
    if (waiting === undefined || cloud === undefined || !isNow(waiting)) return;
    const { kill } = waiting;
    waiting = undefined;
    await cloud.cloud.functions[kill].crash();
    killed = true;
  };
  return {
    lie: (moment: Moment, at: Cloud): void => {
      waiting = moment;
      cloud = at;
      killed = false;
    },
    /** The function was killed and serves again. */
    isOver: () => killed,
    before: (name: Identity, request: string) =>
      strike(({ kill, before }) => kill === name && before?.test(request) === true),
    after: (name: Identity, request: string) =>
      strike(({ kill, after }) => kill === name && after instanceof RegExp && after.test(request)),
    heard: (what: string) => strike(({ after }) => after === what),
  };
}

await describeCloud('a function that is killed', (start) => {
  test(
    'at any moment of its work costs time, and neither the result nor a second start',
    async () => {
      await using stack = new AsyncDisposableStack();
      const trap = ambush();
      const kubeconfigs = await proxiedKubeconfigs(state.path, stack, trap);
      const cloud = await start({ kubeconfig: kubeconfigs.of });
      const heard = (what: string) => void trap.heard(what);
      await overhear(cloud, { write: heard, message: heard }, stack);
      const { executor, history, namespace } = cloud;
      for (const [number, moment] of moments.entries()) {
        trap.lie(moment, cloud);
        const idempotencyKey = `moment ${number}`;
        // Long enough to be seen running also by those who look only now and then.
        const code = `import time\ntime.sleep(${moment.after === 'RUNNING' ? 10 : 0})\nprint("right")`;
        const submit = () => executor.submit({ language: 'python', code }, { idempotencyKey });
        const { execution } = await vi.waitFor(submit, { timeout: 30_000, interval: 200 });
        const isOver = async () => {
          // Two at once, and sooner than every minute.
          await Promise.allSettled([cloud.cloud.reconcile(), cloud.cloud.reconcile()]);
          // Nobody asks for a relay while one is at work, or while the lease of a killed one lasts.
          if (moment.kill === 'watch')
            await cloud.pubsub.topic('watch-wanted').publishMessage({ attributes: { executionId: execution.id } });
          const now = await executor.get(execution.id);
          const outcome = { moment, killed: trap.isOver(), state: now?.state };
          expect(outcome).toEqual({ moment, killed: true, state: 'SUCCEEDED' });
        };
        await vi.waitFor(isOver, { timeout: 90_000, interval: 1_500 });
        expect(Buffer.from((await executor.output(execution.id, 'stdout')) ?? []).toString()).toBe('right\n');
      }
      const cleaned = async () => {
        await cloud.cloud.reconcile();
        expect(await namespace.objects()).toEqual([]);
      };
      await vi.waitFor(cleaned, { timeout: 60_000, interval: 2_000 });
      expect(Array.from(history.starts().values())).toEqual(moments.map(() => 1));
    },
    10 * minutes,
  );
});
