import { createHash } from 'node:crypto';
import { inProcessBus } from '../../src/bus/in-process.ts';
import { type Execution, isFinal } from '../../src/execution/execution.ts';
import { parseRequest } from '../../src/execution/request.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { launch, resume } from '../../src/pipeline/launch.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { submit } from '../../src/pipeline/submit.ts';
import { watch } from '../../src/pipeline/watch.ts';
import { type MemoryClusterOptions, memoryCluster } from '../../src/sandbox/memory/cluster.ts';
import { memorySandbox } from '../../src/sandbox/memory.ts';
import { createMemory, memoryStore } from '../../src/store/memory.ts';
import { virtualClock } from '../virtual-clock.ts';

export interface WorldOptions extends Omit<MemoryClusterOptions, 'clock'> {
  readonly gated?: boolean;
  readonly installation?: string;
}

/** One store and one cluster in virtual time, and as many processes on them as a test wants. */
export function world({ gated = false, installation = 'aaaaaaaa', ...options }: WorldOptions = {}) {
  const clock = virtualClock();
  const cluster = memoryCluster({ clock, delay: () => 5, ...options });
  const memory = createMemory(clock.now);
  const store = () => memoryStore({ installation: { id: installation, secret: new Uint8Array(32) }, memory });
  let ids = 0;
  const randomBytes = (size: number) =>
    createHash('sha512').update(`${installation}${ids++}`).digest().subarray(0, size);

  /** The use cases over the ports; nothing calls them but the test. */
  const ports = (process: string | null = null): Ports => ({
    store: store(),
    bus: inProcessBus({ schedule: clock.setTimeout, random: () => 0.5 }),
    sandbox: memorySandbox({ cluster, installation, namespaceUid: 'ns', gated }),
    clock,
    randomBytes,
    process,
  });

  /** A process that drives executions until it is killed, which is sudden: nothing of it runs afterwards. */
  const process = async (name: string | null) => {
    const own = ports(name);
    const dead = new AbortController();
    const alive = (work: () => Promise<unknown>) => async () => void (dead.signal.aborted || (await work()));
    own.bus.subscribe('execution-requested', async ({ executionId }) =>
      alive(async () => {
        await resume(own, executionId);
        await launch(own);
      })(),
    );
    own.bus.subscribe('execution-observed', async ({ executionId }) => alive(() => complete(own, executionId))());
    own.bus.subscribe('watch-wanted', async () => {});
    void watch(own, dead.signal, () => {});
    const beat = async () => {
      if (dead.signal.aborted) return;
      if (name !== null) {
        const lease = { id: name, expiresAt: clock.now() + 6_000 };
        if (!(await own.store.leases.create(lease)).created) await own.store.leases.update(name, () => lease);
      }
      await reconcile(own);
      clock.setTimeout(beat, 2_000);
    };
    await beat();
    return { ports: own, kill: () => dead.abort() };
  };

  const { executions } = store();
  const get = async (id: string): Promise<Execution> => {
    const found = await executions.get(id);
    if (found === undefined) throw new Error(`no execution ${id}`);
    return found;
  };
  const reported: unknown[] = [];
  return {
    clock,
    cluster,
    ports,
    /** Errors that a submission told of, though it was accepted. */
    reported,
    process,
    get,
    submit: async (own: Ports, code: string, fields: Record<string, unknown> = {}, idempotencyKey?: string) => {
      const rules = { minimumMemoryMiB: () => 1, images: 'any' as const };
      const parsed = parseRequest({ language: 'python', code, ...fields }, rules);
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
      const onError = (error: unknown) => void reported.push(error);
      const submitter = { caller: 'test', idempotencyKey };
      return (await submit({ ...own, onError }, parsed.submission, submitter)).execution.id;
    },
    ended: async (id: string) => {
      await clock.until(async () => isFinal(await get(id)));
      const execution = await get(id);
      if (!isFinal(execution)) throw new Error('not final');
      return execution;
    },
    stdout: async (id: string) => Buffer.from((await executions.part(id, 'stdout')) ?? []).toString(),
    /** How often each execution's code was started, as the cluster saw it. */
    starts: (id: string) =>
      cluster.history.filter((event) => event.type === 'started' && event.executionId === id).length,
    left: () => Object.values(cluster.objects()).flat().length,
  };
}
