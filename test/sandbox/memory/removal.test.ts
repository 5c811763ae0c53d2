import { describe, expect, test } from 'vitest';
import type { Around } from '../../../src/sandbox/memory/api.ts';
import { memorySandbox } from '../../../src/sandbox/memory.ts';
import { NotRemovedError } from '../../../src/sandbox/sandbox.ts';
import { installation, world } from './world.ts';

const forever = 'while True:';

describe('removal', () => {
  test('in the background the Job goes first and its code runs on for a moment', async () => {
    const w = world();
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    expect(await w.sandbox.remove(made.job, { wait: false })).toEqual({ started: true });
    expect(w.cluster.objects().jobs).toEqual([]);
    expect(w.cluster.running()).toEqual([made.job.jobUid]);
    await w.clock.pass(1_000);
    expect([w.cluster.running(), w.left()]).toEqual([[], 0]);
  });

  test('in the background may come too late for a pod that is about to start', async () => {
    const slow = new Map([
      ['garbageCollection', 1_000],
      ['containerStart', 100],
    ]);
    const w = world({ delay: (step) => slow.get(step) ?? 5 });
    const made = await w.launch(forever);
    await w.sandbox.remove(made.job, { wait: false });
    expect(w.happened('started')).toEqual([]);
    await w.clock.pass(500);
    expect(w.cluster.running()).toEqual([made.job.jobUid]);
    expect(await w.sandbox.inspect(made.job)).toEqual({ kind: 'absent' });
    expect(await w.settled(w.sandbox.remove(made.job, { wait: true }))).toEqual({ started: true });
    expect([w.cluster.running(), w.left()]).toEqual([[], 0]);
  });

  test.each([true, false])('of a Job that has no pod yet leaves it without one (wait: %s)', async (wait) => {
    const w = world({ delay: (step) => (step === 'podCreation' ? 100 : 5) });
    const made = await w.create();
    expect(await w.settled(w.sandbox.remove(made.job, { wait }))).toEqual({ started: false });
    await w.clock.pass(1_000);
    expect([w.happened('podCreated'), w.left()]).toEqual([[], 0]);
  });

  test('tells of the start of its own Job, not of others', async () => {
    const w = world();
    const waiting = await w.create();
    const runs = await w.launch(forever);
    await w.reached(runs, 'running');
    expect(await w.sandbox.remove(waiting.job, { wait: false })).toEqual({ started: false });
    expect(w.cluster.running()).toEqual([runs.job.jobUid]);
  });

  test('in the foreground the Job goes last, when nothing of it runs', async () => {
    const w = world();
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    await w.settled(w.sandbox.remove(made.job, { wait: true }));
    expect([w.cluster.running(), w.left()]).toEqual([[], 0]);
    const order = w.cluster.history.map(({ type }) => type).slice(-3);
    expect(order).toEqual(['stopped', 'podRemoved', 'jobRemoved']);
  });

  test('one that waits also waits for the pods of a Job that went before', async () => {
    const w = world();
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    await w.sandbox.remove(made.job, { wait: false });
    expect(await w.settled(w.sandbox.remove(made.job, { wait: true }))).toEqual({ started: true });
    expect(w.cluster.running()).toEqual([]);
  });

  test('tells of a start that came between its first look and the deletion', async () => {
    const w = world();
    const made = await w.launch(forever);
    const slow: Around = async ({ method }, effect) => {
      if (method === 'deleteJob') await w.clock.sleep(1_000);
      return effect();
    };
    const removal = w.client('slow', slow).remove(made.job, { wait: true });
    expect(await w.settled(removal)).toEqual({ started: true });
  });

  test('does not end while a silent node may still run the code, and ends when the node is given up', async () => {
    const w = world();
    const made = await w.launch(forever, { timeoutSeconds: 3600 });
    await w.reached(made, 'running');
    w.cluster.disrupt(made.job.jobUid, 'node_lost');
    await expect(w.settled(w.sandbox.remove(made.job, { wait: true }))).rejects.toThrow(NotRemovedError);
    expect(w.cluster.running()).toEqual([made.job.jobUid]);
    await expect(w.sandbox.output(made.job, made.spec)).rejects.toThrow('does not answer');
    const again = w.sandbox.remove(made.job, { wait: true });
    await w.clock.pass(10_000);
    w.cluster.disrupt(made.job.jobUid, 'node_gone');
    expect(await w.settled(again)).toEqual({ started: true });
    expect([w.cluster.running(), w.left()]).toEqual([[], 0]);
  });

  test('gives up after the time it was given', async () => {
    const w = world();
    const impatient = memorySandbox({ cluster: w.cluster, installation, namespaceUid: 'ns', removalTimeoutMs: 1_000 });
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    w.cluster.disrupt(made.job.jobUid, 'node_lost');
    const before = w.clock.now();
    await expect(w.settled(impatient.remove(made.job, { wait: true }))).rejects.toThrow();
    expect(w.clock.now() - before).toBeLessThan(2_000);
  });

  test('survives watches that break while it waits', async () => {
    const w = world();
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    const removal = w.sandbox.remove(made.job, { wait: true });
    for (const breakWatches of [w.cluster.cutWatches, w.cluster.expireWatches]) {
      await w.clock.pass(5);
      breakWatches();
    }
    expect(await w.settled(removal)).toEqual({ started: true });
    expect(w.left()).toBe(0);
  });
});
