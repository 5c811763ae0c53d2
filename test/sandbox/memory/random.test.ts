import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Around } from '../../../src/sandbox/memory/api.ts';
import type { Disruption } from '../../../src/sandbox/memory/disruption.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { input, permitted } from '../../contracts/sandbox/lab.ts';
import { world } from './world.ts';

const disruptions: readonly Disruption[] = [
  'evicted',
  'preempted',
  'drained',
  'killed',
  'out_of_memory',
  'node_lost',
  'node_gone',
  'pod_deleted',
  'job_deleted',
  'vanished',
];

/** One thing that one of two clients, or fate, does to one of two executions. */
const action = fc.record({
  afterMs: fc.nat(80),
  client: fc.nat(1),
  execution: fc.nat(1),
  does: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('create', 'start') },
    { weight: 1, arbitrary: fc.constantFrom('remove', 'removeAndWait') },
    { weight: 1, arbitrary: fc.constantFrom('cut', 'expire', 'duplicate', ...disruptions) },
  ),
});
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

const scenario = fc.record({
  actions: fc.array(action, { maxLength: 25 }),
  /** Drives every delay of the cluster and every loss on the way to it. */
  chances: fc.infiniteStream(fc.nat(99)),
  gated: fc.boolean(),
  lossPercent: fc.constantFrom(0, 10),
});

async function play({
  actions,
  chances,
  gated,
  lossPercent,
}: typeof scenario extends fc.Arbitrary<infer T> ? T : never) {
  const chance = () => Number(chances.next().value);
  const w = world({ delay: chance, quota: 2, behaviour: () => ({ durationMs: 60, stdout: 'x' }) });
  const unreliable: Around = async (_, effect) => {
    await w.clock.sleep(chance());
    if (chance() < lossPercent) throw new Error('lost before');
    const answer = effect();
    if (chance() < lossPercent) throw new Error('lost after');
    return answer;
  };
  const clients = ['one', 'two'].map((name) => w.client(name, unreliable, gated));
  const specs = [w.newSpec(), w.newSpec()];
  const uids: string[] = [];
  const pending: Promise<PromiseSettledResult<void>[]>[] = [];

  const act = async (sandbox: Sandbox, { execution, does }: Action) => {
    const spec = specs[execution] ?? w.newSpec();
    const [jobUid = 'none'] = w.cluster
      .objects()
      .jobs.filter(({ executionId }) => executionId === spec.executionId)
      .map(({ uid }) => uid);
    const job = { executionId: spec.executionId, jobUid };
    uids.push(jobUid);
    if (does === 'create') await sandbox.create(spec);
    else if (does === 'start') await sandbox.start(job, spec, input('x'), permitted);
    else if (does === 'remove') await sandbox.remove(job, { wait: false });
    else if (does === 'cut') w.cluster.cutWatches();
    else if (does === 'expire') w.cluster.expireWatches();
    else if (does === 'duplicate') w.cluster.duplicateWatchEvents(true);
    else if (does !== 'removeAndWait') w.cluster.disrupt(jobUid, does);
    else {
      await sandbox.remove(job, { wait: true });
      expect(w.cluster.running(), 'after a removal that waited').not.toContain(jobUid);
    }
  };

  for (const next of actions) {
    await w.clock.pass(next.afterMs);
    const client = clients[next.client];
    if (client !== undefined) pending.push(Promise.allSettled([act(client, next)]));
  }
  return { w, uids, pending };
}

test('whatever clients and fate do, code starts at most once per Job, after its signal, and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (played) => {
      const { w, uids, pending } = await play(played);
      await w.clock.pass(5_000);
      for (const uid of uids) w.cluster.disrupt(uid, 'node_gone');
      for (const result of (await w.settled(Promise.all(pending))).flat()) {
        if (result.status === 'rejected') expect(String(result.reason)).toMatch(/lost (before|after)|try again/);
      }
      for (const job of await w.sandbox.list()) await w.settled(w.sandbox.remove(job, { wait: true }));
      await w.clock.pass(5_000);

      expect(w.left()).toBe(0);
      expect(w.cluster.running()).toEqual([]);
      const signalled = new Set(w.happened('signalled').map(({ jobUid }) => jobUid));
      const started = w.happened('started').map(({ jobUid }) => jobUid);
      expect(new Set(started).size).toBe(started.length);
      for (const uid of started) expect(signalled).toContain(uid);
      expect(w.happened('stopped').length).toBe(started.length);
      let jobs = 0;
      for (const { type } of w.cluster.history) {
        if (type === 'jobCreated') jobs += 1;
        if (type === 'jobRemoved') jobs -= 1;
        expect(jobs).toBeLessThanOrEqual(2);
      }
    }),
    { numRuns: 150 },
  );
}, 60_000);

test('a removal that waits knows whether the code had started, whenever it comes', async () => {
  const timing = fc.record({
    chances: fc.infiniteStream(fc.nat(99)),
    removeAfterMs: fc.nat(400),
    breaks: fc.array(fc.tuple(fc.nat(100), fc.boolean()), { maxLength: 4 }),
    gated: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(timing, async ({ chances, removeAfterMs, breaks, gated }) => {
      const w = world({ delay: () => Number(chances.next().value), behaviour: () => ({ durationMs: 30 }) });
      const client = w.client('one', undefined, gated);
      const made = await w.create(w.newSpec(), client);
      const start = client.start(made.job, made.spec, input('x'), permitted);
      await w.clock.pass(removeAfterMs);
      const removal = w.sandbox.remove(made.job, { wait: true });
      for (const [ms, expire] of breaks) {
        await w.clock.pass(ms);
        if (expire) w.cluster.expireWatches();
        else w.cluster.cutWatches();
      }
      await w.settled(start);
      const { started } = await w.settled(removal);
      await w.clock.pass(5_000);
      expect(w.left()).toBe(0);
      const ran = w.happened('started').length === 1;
      const missed = breaks.some(([, expire]) => expire);
      if (started !== ran) expect({ started, missed }).toEqual({ started: true, missed: true });
    }),
    { numRuns: 300 },
  );
}, 60_000);
