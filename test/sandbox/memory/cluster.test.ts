import { describe, expect, test } from 'vitest';
import type { Around } from '../../../src/sandbox/memory/api.ts';
import { permitted } from '../../contracts/sandbox/lab.ts';
import { world } from './world.ts';

const forever = 'print("up")\nwhile True:';

describe('creation', () => {
  test('the quota counts Jobs, and its usage falls a moment after a removal', async () => {
    const w = world({ quota: 1 });
    const { job } = await w.create();
    const next = w.newSpec();
    const full = { kind: 'full', message: expect.stringContaining('exceeded quota') };
    expect(await w.sandbox.create(next)).toMatchObject(full);
    await w.settled(w.sandbox.remove(job, { wait: true }));
    expect(w.left()).toBe(0);
    expect(await w.sandbox.create(next)).toMatchObject(full);
    await w.clock.pass(50);
    expect(await w.sandbox.create(next)).toMatchObject({ kind: 'created' });
    w.cluster.setQuota(2);
    expect(await w.sandbox.create(w.newSpec())).toMatchObject({ kind: 'created' });
  });

  test('a policy refuses new Jobs for good, and a Job that is there already is found behind the refusal', async () => {
    const w = world();
    const { job, spec } = await w.create();
    w.cluster.refuse('only on Sundays');
    expect(await w.sandbox.create(w.newSpec())).toEqual({ kind: 'rejected', message: 'only on Sundays' });
    expect(await w.sandbox.create(spec)).toEqual({ kind: 'created', jobUid: job.jobUid });
    w.cluster.refuse(null);
    expect(await w.sandbox.create(w.newSpec())).toMatchObject({ kind: 'created' });
  });

  test('a Job that is being deleted is neither made again nor called ours', async () => {
    const w = world();
    const { job, spec } = await w.create();
    const removal = w.sandbox.remove(job, { wait: true });
    await w.clock.pass(0);
    await expect(w.sandbox.create(spec)).rejects.toThrow('is being deleted');
    await w.settled(removal);
    expect((await w.create(spec)).job.jobUid).not.toBe(job.jobUid);
  });

  test('a Job that comes and goes under every look is not known, and may be asked for again', async () => {
    const w = world();
    const { spec } = await w.create();
    const unlucky: Around = async ({ method }, effect) => {
      if (method !== 'getJob') return effect();
      for (const { uid } of w.cluster.objects().jobs) w.cluster.disrupt(uid, 'vanished');
      const answer = effect();
      await w.sandbox.create(spec);
      return answer;
    };
    await expect(w.client('unlucky', unlucky).create(spec)).rejects.toThrow('comes and goes; try again');
  });

  test('an answer that is lost after its effect leaves one Job, which a repetition finds', async () => {
    const w = world();
    const spec = w.newSpec();
    const lossy: Around = async (_, effect) => {
      effect();
      throw new Error('socket hang up');
    };
    await expect(w.client('lossy', lossy).create(spec)).rejects.toThrow('socket hang up');
    await w.create(spec);
    expect(w.happened('jobCreated').map(({ client }) => client)).toEqual(['lossy']);
  });
});

describe('the start', () => {
  test('a pod without its ConfigMap waits, at first silently and then with the event of the failed mount', async () => {
    const w = world();
    const made = await w.create();
    expect(await w.sandbox.inspect(made.job)).toMatchObject({ kind: 'waiting', waiting: { reason: 'Starting' } });
    await w.clock.pass(500);
    expect(await w.sandbox.inspect(made.job)).toMatchObject({
      kind: 'waiting',
      waiting: { reason: 'Mount', message: expect.stringMatching(/^configmap "run-.*" not found$/), curable: true },
    });
    await w.start(made, forever);
    expect(await w.reached(made, 'running')).toMatchObject({ kind: 'running' });
  });

  test('a pod that is held waits for that reason and starts when it is let go', async () => {
    const w = world();
    const waiting = { reason: 'Unschedulable', message: '0/1 nodes are available', curable: true } as const;
    const early = await w.create();
    await w.clock.pass(100);
    w.cluster.hold(waiting);
    const late = await w.create();
    const silent = await w.create();
    for (const made of [early, late]) await w.start(made, 'print("x")');
    await w.clock.pass(10_000);
    for (const { job } of [early, late, silent])
      expect(await w.sandbox.inspect(job)).toEqual({ kind: 'waiting', waiting });
    expect(w.happened('started')).toEqual([]);
    w.cluster.hold(null);
    for (const made of [early, late]) expect(await w.verdict(made)).toMatchObject({ state: 'SUCCEEDED' });
  });

  test('what runs is not started again when pods are held and let go', async () => {
    const w = world();
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    w.cluster.hold({ reason: 'Unschedulable', message: '', curable: true });
    w.cluster.hold(null);
    await w.clock.pass(1_000);
    expect(w.happened('started')).toHaveLength(1);
    expect(await w.sandbox.inspect(made.job)).toMatchObject({ kind: 'running' });
  });

  test('a hold stops a container at the last moment, but not a gated start', async () => {
    for (const gated of [false, true]) {
      const w = world({ delay: (step) => (step === 'containerStart' ? 100 : 5) });
      const client = w.client('one', undefined, gated);
      const made = await w.create(w.newSpec(), client);
      await w.clock.pass(50);
      if (!gated) await w.start(made, forever, client);
      w.cluster.hold({ reason: 'Unschedulable', message: '', curable: true });
      if (gated) await w.start(made, forever, client);
      await w.clock.pass(10_000);
      expect(w.happened('started')).toHaveLength(gated ? 1 : 0);
    }
  });

  test('nothing starts on a node that is silent', async () => {
    const w = world();
    const made = await w.create();
    await w.clock.pass(100);
    w.cluster.disrupt(made.job.jobUid, 'node_lost');
    await w.start(made, forever);
    await w.clock.pass(10_000);
    expect(w.happened('started')).toEqual([]);
  });

  test('two clients that give the signal at once start the code once', async () => {
    const w = world();
    const second = w.client('second');
    const made = await w.create();
    expect(await Promise.all([w.start(made, forever), w.start(made, forever, second)])).toEqual(['started', 'started']);
    await w.reached(made, 'running');
    expect(w.happened('started')).toMatchObject([{ executionId: made.job.executionId, jobUid: made.job.jobUid }]);
    expect(w.cluster.running()).toEqual([made.job.jobUid]);
  });

  test('two permits at once for a gated start run the code once', async () => {
    const w = world();
    const gated = w.client('gated', undefined, true);
    const made = await w.create(w.newSpec(), gated);
    const starts = [w.start(made, forever, gated), w.start(made, forever, gated)];
    expect(await Promise.all(starts)).toEqual(['started', 'started']);
    expect(w.happened('started')).toHaveLength(1);
  });

  test('a signal for a Job that went meanwhile starts nothing and leaves nothing', async () => {
    const w = world();
    const made = await w.create();
    const late: Around = async ({ method }, effect) => {
      if (method === 'createConfigMap') {
        await w.sandbox.remove(made.job, { wait: false });
        await w.clock.sleep(1_000);
      }
      return effect();
    };
    expect(await w.start(made, forever, w.client('late', late))).toBe('started');
    expect(w.cluster.objects().configMaps).toHaveLength(1);
    await w.clock.pass(1_000);
    expect(w.left()).toBe(0);
    expect(w.happened('started')).toEqual([]);
  });

  test('a Job that is being deleted is absent to a start', async () => {
    const w = world();
    const made = await w.create();
    const removal = w.sandbox.remove(made.job, { wait: true });
    await w.clock.pass(0);
    expect(
      await w.sandbox.start(
        made.job,
        made.spec,
        { code: new Uint8Array(), stdin: new Uint8Array(), files: new Uint8Array() },
        permitted,
      ),
    ).toBe('absent');
    await w.settled(removal);
  });
});
