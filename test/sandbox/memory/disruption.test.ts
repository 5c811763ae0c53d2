import { describe, expect, test } from 'vitest';
import type { Disruption } from '../../../src/sandbox/memory/disruption.ts';
import { text } from '../../contracts/sandbox/lab.ts';
import { world } from './world.ts';

const forever = 'print("up")\nwhile True:';

const whileRunning: readonly { how: Disruption; verdict: object }[] = [
  { how: 'evicted', verdict: { state: 'INFRA_INTERRUPTED', reason: 'TerminationByKubelet' } },
  { how: 'disk_full', verdict: { state: 'DISK_LIMIT', fault: 'limit', reason: 'Evicted' } },
  { how: 'preempted', verdict: { state: 'INFRA_INTERRUPTED', reason: 'PreemptionByScheduler' } },
  { how: 'drained', verdict: { state: 'INFRA_INTERRUPTED', reason: 'EvictionByEvictionAPI' } },
  { how: 'node_shutdown', verdict: { state: 'INFRA_INTERRUPTED', reason: 'TerminationByKubelet' } },
  { how: 'out_of_memory', verdict: { state: 'MEMORY_LIMIT', exitCode: 128, reason: 'OOMKilled' } },
  { how: 'killed', verdict: { state: 'KILLED', exitCode: 137 } },
  { how: 'status_unknown', verdict: { state: 'INFRA_INTERRUPTED', reason: 'ContainerStatusUnknown' } },
  { how: 'not_admitted', verdict: { state: 'INFRA_INTERRUPTED', reason: 'OutOfcpu' } },
  { how: 'node_gone', verdict: { state: 'INFRA_INTERRUPTED', reason: 'DeletionByPodGC' } },
];

describe('a running program', () => {
  test.each(whileRunning)('$how', async ({ how, verdict }) => {
    const w = world();
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    w.cluster.disrupt(made.job.jobUid, how);
    expect(await w.verdict(made)).toMatchObject({ ...verdict, started: true, retrySafe: false });
    expect(w.cluster.running()).toEqual([]);
    expect(await w.sandbox.inspect(made.job)).toMatchObject({ kind: 'ended', deleting: false });
  });

  test('keeps what it had printed, unless its pod goes too', async () => {
    const w = world();
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    w.cluster.disrupt(made.job.jobUid, 'evicted');
    await w.clock.pass(1_000);
    const { stdout, complete } = await w.sandbox.output(made.job, made.spec);
    expect([text(stdout.bytes), complete]).toEqual(['up\n', false]);
  });

  test('whose pod is deleted ends as one that was being deleted, and then only the Job remembers', async () => {
    const w = world();
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    w.cluster.disrupt(made.job.jobUid, 'pod_deleted');
    expect(await w.reached(made, 'ended')).toMatchObject({ deleting: true, ending: { container: { exitCode: 137 } } });
    await w.clock.pass(1_000);
    const gone = { deleting: false, ending: { container: null, jobReason: 'BackoffLimitExceeded' } };
    expect(await w.sandbox.inspect(made.job)).toMatchObject(gone);
  });

  test.each(['preempted', 'drained'] as const)('that is %s is remembered by its Job as disrupted', async (how) => {
    const w = world();
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    w.cluster.disrupt(made.job.jobUid, how);
    await w.clock.pass(1_000);
    expect(await w.sandbox.inspect(made.job)).toMatchObject({ ending: { jobReason: 'PodFailurePolicy' } });
  });

  test('whose Job is deleted runs on for a moment and leaves nothing', async () => {
    const w = world();
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    w.cluster.disrupt(made.job.jobUid, 'job_deleted');
    expect(await w.sandbox.inspect(made.job)).toEqual({ kind: 'absent' });
    expect(w.cluster.running()).toEqual([made.job.jobUid]);
    await w.clock.pass(1_000);
    expect([w.cluster.running(), w.left()]).toEqual([[], 0]);
  });

  test('that vanishes is gone at once', async () => {
    const w = world();
    const made = await w.launch(forever);
    await w.reached(made, 'running');
    w.cluster.disrupt(made.job.jobUid, 'vanished');
    expect([w.cluster.running(), w.left()]).toEqual([[], 0]);
    w.cluster.disrupt(made.job.jobUid, 'vanished');
    w.cluster.disrupt(made.job.jobUid, 'job_deleted');
  });

  test('on a lost node seems to run, also after its end, until the node is given up', async () => {
    const w = world();
    const made = await w.launch('time.sleep(5)');
    await w.reached(made, 'running');
    w.cluster.disrupt(made.job.jobUid, 'node_lost');
    await w.clock.pass(10_000);
    expect(w.cluster.running()).toEqual([]);
    expect(await w.sandbox.inspect(made.job)).toMatchObject({ kind: 'running' });
    w.cluster.disrupt(made.job.jobUid, 'node_gone');
    expect(await w.verdict(made)).toMatchObject({ state: 'INFRA_INTERRUPTED', started: true });
  });
});

describe('a program that had not started', () => {
  test.each([
    ['evicted', { state: 'INFRA_INTERRUPTED', retrySafe: true }],
    ['preempted', { state: 'INFRA_INTERRUPTED', retrySafe: true }],
    ['not_admitted', { state: 'INFRA_INTERRUPTED', reason: 'OutOfcpu', retrySafe: true }],
    ['node_gone', { state: 'INFRA_INTERRUPTED', reason: 'DeletionByPodGC', retrySafe: false }],
  ] as const)('%s', async (how, verdict) => {
    const w = world();
    const made = await w.create();
    await w.clock.pass(100);
    w.cluster.disrupt(made.job.jobUid, how);
    expect(await w.verdict(made)).toMatchObject({ ...verdict, started: false });
    await w.start(made, forever);
    await w.clock.pass(1_000);
    expect(w.happened('started')).toEqual([]);
  });

  test('on a node that fell silent right after the start is not called safe to retry', async () => {
    const w = world({ delay: (step) => (step === 'statusReport' ? 1_000 : 5) });
    const made = await w.launch(forever);
    await w.clock.until(() => w.happened('started').length > 0);
    w.cluster.disrupt(made.job.jobUid, 'node_lost');
    await w.clock.pass(300_000);
    expect(await w.sandbox.inspect(made.job)).toMatchObject({ kind: 'waiting' });
    w.cluster.disrupt(made.job.jobUid, 'node_gone');
    expect(await w.verdict(made)).toMatchObject({ state: 'INFRA_INTERRUPTED', retrySafe: false });
  });
});

describe('a program that had ended', () => {
  test('before it started does not end again', async () => {
    const w = world();
    const made = await w.create();
    await w.clock.pass(100);
    for (const how of ['not_admitted', 'evicted'] as const) {
      w.cluster.disrupt(made.job.jobUid, how);
      await w.clock.pass(100);
    }
    expect(await w.verdict(made)).toMatchObject({ reason: 'OutOfcpu', retrySafe: true });
  });

  test.each(['evicted', 'killed', 'drained', 'out_of_memory'] as const)('is not %s any more', async (how) => {
    const w = world();
    const made = await w.launch('sys.exit(3)');
    await w.reached(made, 'ended');
    w.cluster.disrupt(made.job.jobUid, how);
    expect(await w.verdict(made)).toMatchObject({ state: 'FAILED', exitCode: 3 });
  });

  test.each(['pod_deleted', 'node_gone'] as const)('whose pod goes (%s) succeeded all the same', async (how) => {
    const w = world();
    const made = await w.launch('print("x")');
    await w.reached(made, 'ended');
    w.cluster.disrupt(made.job.jobUid, how);
    await w.clock.pass(1_000);
    expect(await w.verdict(made)).toMatchObject({ state: 'SUCCEEDED' });
    expect(await w.sandbox.inspect(made.job)).toMatchObject({ ending: { container: null, jobReason: 'Complete' } });
    expect(await w.sandbox.output(made.job, made.spec)).toMatchObject({ complete: false });
  });
});
