import { describe, expect, test } from 'vitest';
import type { Around } from '../../../src/sandbox/memory/api.ts';
import { memorySandbox } from '../../../src/sandbox/memory.ts';
import type { Observation, Sandbox } from '../../../src/sandbox/sandbox.ts';
import { world } from './world.ts';

function observing(sandbox: Sandbox) {
  const abort = new AbortController();
  const seen: Observation[] = [];
  const watched = sandbox.watch(
    (observation) => seen.push(observation),
    abort.signal,
    () => {},
  );
  const kindsOf = ({ jobUid }: { jobUid: string }) =>
    seen.filter(({ job }) => job.jobUid === jobUid).map(({ status }) => status.kind);
  return { seen, kindsOf, stop: () => abort.abort(), watched };
}

describe('a watch', () => {
  test('tells each change in order', async () => {
    const w = world();
    const { kindsOf, stop, watched } = observing(w.sandbox);
    const { job } = await w.launch('time.sleep(1)');
    await w.clock.pass(5_000);
    await w.settled(w.sandbox.remove(job, { wait: true }));
    await w.clock.pass(100);
    stop();
    await w.settled(watched);
    const kinds = kindsOf(job);
    expect(kinds.filter((kind, index) => kind !== kinds[index - 1])).toEqual(['waiting', 'running', 'ended', 'absent']);
  });

  test('hears nothing after its signal', async () => {
    const w = world();
    const { seen, stop, watched } = observing(w.sandbox);
    await w.launch('time.sleep(1)');
    stop();
    await w.settled(watched);
    const count = seen.length;
    await w.clock.pass(5_000);
    expect(seen).toHaveLength(count);
  });

  test('ends at once when its signal was given before', async () => {
    const w = world();
    const seen: Observation[] = [];
    await w.sandbox.watch(
      (observation) => seen.push(observation),
      AbortSignal.abort(),
      () => {},
    );
    expect(seen).toEqual([]);
  });

  test('minds no event that comes twice', async () => {
    const w = world();
    const once = observing(w.sandbox);
    w.cluster.duplicateWatchEvents(true);
    const { job } = await w.launch('print("x")');
    await w.clock.pass(1_000);
    expect(once.kindsOf(job)).toContain('ended');
    once.stop();
    await w.settled(once.watched);
  });

  test.each(['cutWatches', 'expireWatches'] as const)(
    'leaves out no ending over %s, whenever it comes',
    async (fault) => {
      for (let at = 0; at < 60; at += 2) {
        const w = world();
        const { kindsOf, stop, watched } = observing(w.sandbox);
        const made = await w.launch('time.sleep(0.02)');
        await w.clock.pass(at);
        w.cluster[fault]();
        await w.clock.pass(2_000);
        expect(kindsOf(made.job), `${fault} after ${at} ms`).toContain('ended');
        await w.settled(w.sandbox.remove(made.job, { wait: false }));
        w.cluster[fault]();
        await w.clock.pass(2_000);
        expect(kindsOf(made.job).at(-1), `${fault} after ${at} ms`).toBe('absent');
        stop();
        await w.settled(watched);
      }
    },
  );

  test('goes on after errors of its list and of its stream', async () => {
    const w = world();
    let failures = 5;
    const failing: Around = async ({ method }, effect) => {
      if ((method === 'list' || method === 'watch') && failures-- > 0) throw new Error(`no ${method}`);
      return effect();
    };
    const { kindsOf, stop, watched } = observing(w.client('failing', failing));
    const { job } = await w.launch('print("x")');
    await w.clock.pass(2_000);
    expect(kindsOf(job)).toContain('ended');
    stop();
    await w.settled(watched);
  });

  test('shows nothing of another installation, also when it resumes', async () => {
    const w = world();
    const { seen, stop, watched } = observing(w.sandbox);
    const other = memorySandbox({ cluster: w.cluster, installation: 'bbbbbbbb', namespaceUid: 'ns' });
    await w.clock.pass(100);
    const slow = w.create(w.newSpec(), other);
    w.cluster.cutWatches();
    await slow;
    await w.clock.pass(1_000);
    expect(seen).toEqual([]);
    stop();
    await w.settled(watched);
  });

  test('that lags behind the history of the server begins anew', async () => {
    const w = world();
    const made = await w.launch('while True:');
    await w.reached(made, 'running');
    let opened = 0;
    const late: Around = async ({ method }, effect) => {
      if (method === 'watch' && opened++ === 0) {
        w.cluster.expireWatches();
        w.cluster.disrupt(made.job.jobUid, 'killed');
        await w.clock.sleep(100);
        w.cluster.expireWatches();
      }
      return effect();
    };
    const { kindsOf, stop, watched } = observing(w.client('late', late));
    await w.clock.pass(2_000);
    expect(kindsOf(made.job)).toContain('ended');
    expect(opened).toBeGreaterThan(1);
    stop();
    await w.settled(watched);
  });

  test('that was cut for longer than the server remembers begins anew', async () => {
    const w = world();
    const made = await w.launch('time.sleep(1)');
    await w.reached(made, 'running');
    let opened = 0;
    const away: Around = async ({ method }, effect) => {
      if (method === 'watch' && opened++ === 0) {
        for (let index = 0; index < 500; index++) {
          const { job } = await w.create();
          await w.sandbox.remove(job, { wait: false });
          await w.clock.sleep(500);
        }
      }
      return effect();
    };
    const { kindsOf, stop, watched } = observing(w.client('away', away));
    await w.clock.pass(300_000);
    expect(kindsOf(made.job)).toContain('ended');
    stop();
    await w.settled(watched);
  });
});
