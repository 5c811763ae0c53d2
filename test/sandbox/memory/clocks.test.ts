import { describe, expect, test } from 'vitest';
import { text } from '../../contracts/sandbox/lab.ts';
import { world } from './world.ts';

describe('clocks', () => {
  test('a supervisor that was stopped is ended by the deadline of its pod, and the log stays', async () => {
    const w = world({ behaviour: () => ({ durationMs: 'forever', stdout: 'half', freezesSupervisor: true }) });
    const made = await w.launch('', { timeoutSeconds: 5, startTimeoutSeconds: 10 });
    await w.clock.pass(60_000);
    expect(await w.sandbox.inspect(made.job)).toMatchObject({ kind: 'running' });
    await w.clock.pass(30_000);
    expect(await w.verdict(made)).toMatchObject({ state: 'TIMED_OUT', reason: 'DeadlineExceeded', exitCode: null });
    const output = await w.sandbox.output(made.job, made.spec);
    expect(text(output.stdout.bytes)).toBe('half');
    expect(output).toMatchObject({ complete: false, report: null });
  });

  test('a pod that never gets its signal ends at its deadline without having started', async () => {
    const w = world();
    const made = await w.create(w.newSpec({ timeoutSeconds: 5, startTimeoutSeconds: 10 }));
    await w.clock.pass(80_000);
    expect(await w.verdict(made)).toMatchObject({ state: 'START_TIMEOUT', started: false, retrySafe: true });
  });

  test('the deadline of the Job takes a pod away that its node does not end, and then says so', async () => {
    const w = world();
    w.cluster.hold({ reason: 'Unschedulable', message: '', curable: true });
    const made = await w.create(w.newSpec({ timeoutSeconds: 5, startTimeoutSeconds: 10 }));
    await w.clock.pass(50);
    w.cluster.disrupt(made.job.jobUid, 'node_lost');
    await w.clock.pass(160_000);
    expect(await w.sandbox.inspect(made.job)).toMatchObject({ kind: 'waiting' });
    w.cluster.disrupt(made.job.jobUid, 'node_gone');
    await w.clock.pass(1_000);
    expect(await w.sandbox.inspect(made.job)).toMatchObject({
      ending: { jobReason: 'DeadlineExceeded', container: null },
    });
    expect(await w.sandbox.output(made.job, made.spec)).toMatchObject({ complete: false });
  });

  test('the deadline of the Job deletes a pod that runs, and its ending says so', async () => {
    const w = world({ delay: (step) => (step === 'jobStatus' ? 60_000 : 5) });
    const made = await w.launch('while True:');
    await w.reached(made, 'running');
    w.cluster.disrupt(made.job.jobUid, 'job_deadline');
    await w.clock.pass(1_000);
    expect(await w.verdict(made)).toMatchObject({ state: 'TIMED_OUT', message: 'the deadline of the Job was reached' });
  });

  test('the deadline of a Job without a pod ends it', async () => {
    const w = world({ delay: (step) => (step === 'podCreation' ? 1_000_000_000 : 5) });
    const made = await w.create(w.newSpec({ timeoutSeconds: 5, startTimeoutSeconds: 10 }));
    const waiting = { reason: 'Starting', message: 'the Job has no pod yet', curable: true };
    expect(await w.sandbox.inspect(made.job)).toEqual({ kind: 'waiting', waiting });
    await w.clock.pass(151_000);
    expect(await w.verdict(made)).toMatchObject({ state: 'START_TIMEOUT', retrySafe: false });
  });

  test('no deadline touches what has ended', async () => {
    const w = world();
    const made = await w.launch('print("x")', { timeoutSeconds: 5, startTimeoutSeconds: 10 });
    await w.reached(made, 'ended');
    await w.clock.pass(1_000_000);
    expect(await w.verdict(made)).toMatchObject({ state: 'SUCCEEDED' });
    expect(text((await w.sandbox.output(made.job, made.spec)).stdout.bytes)).toBe('x\n');
    expect(w.cluster.objects().jobs).toMatchObject([{ condition: 'Complete', failureTarget: '' }]);
  });

  test('an ended Job that nobody removes goes when its time to live is over', async () => {
    const w = world({ ttlSecondsAfterFinished: 60 });
    const made = await w.launch('print("x")');
    await w.reached(made, 'ended');
    await w.clock.pass(59_000);
    expect(w.cluster.objects().jobs).toMatchObject([{ condition: 'Complete' }]);
    await w.clock.pass(2_000);
    expect(w.left()).toBe(0);
  });

  test('the kubelet writes whole seconds unless it is told not to', async () => {
    for (const wholeSeconds of [true, false]) {
      const w = world({ wholeSeconds });
      await w.clock.pass(1_234);
      const status = await w.reached(await w.launch('time.sleep(2)'), 'running');
      expect(status.kind === 'running' && status.startedAt % 1000 === 0).toBe(wholeSeconds);
    }
  });
});

describe('the log', () => {
  const noisy = (rawLogBytes: number) =>
    world({ behaviour: () => ({ stdout: 'first', stderr: 'e', rawLogBytes, durationMs: 10 }) });

  test('a program that writes past the supervisor can rotate its own output away, but not claim it was whole', async () => {
    const w = noisy(11 * 1024 * 1024);
    const made = await w.launch('');
    await w.reached(made, 'ended');
    const output = await w.sandbox.output(made.job, made.spec);
    expect(output).toMatchObject({ stdout: { totalBytes: 5 }, stderr: { totalBytes: 1 }, complete: false });
    expect(output.stdout.bytes.length + output.stderr.bytes.length).toBe(0);
  });

  test('a little noise in the log costs nothing', async () => {
    const w = noisy(1024 * 1024);
    const made = await w.launch('');
    await w.reached(made, 'ended');
    const output = await w.sandbox.output(made.job, made.spec);
    expect([text(output.stdout.bytes), output.complete]).toEqual(['first', true]);
  });

  test('output behind a gap is left out, since only the first bytes count', async () => {
    const bytes = new TextEncoder().encode('later');
    const w = world({
      logFileBytes: 20_000,
      behaviour: () => ({
        stdout: 'a',
        rawLogBytes: 19_800,
        writes: [{ atMs: 5, stream: 'stdout', bytes }],
        durationMs: 10,
      }),
    });
    const made = await w.launch('');
    await w.reached(made, 'ended');
    const { stdout, complete } = await w.sandbox.output(made.job, made.spec);
    expect({ kept: stdout.bytes.length, totalBytes: stdout.totalBytes, complete }).toEqual({
      kept: 0,
      totalBytes: 6,
      complete: false,
    });
  });
});
