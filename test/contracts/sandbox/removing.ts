import { expect } from 'vitest';
import type { Job, Observation } from '../../../src/sandbox/sandbox.ts';
import {
  input,
  isGone,
  isOfKind,
  type Lab,
  launch,
  type Made,
  make,
  newInstallation,
  newSpec,
  permitted,
  seen,
  text,
  until,
} from './lab.ts';

const nothing = { stdout: { totalBytes: 0 }, stderr: { totalBytes: 0 }, complete: false, report: null };

async function leftNothing(lab: Lab, { job, spec }: Made): Promise<void> {
  const status = await lab.sandbox.inspect(job);
  expect(isGone(lab, status), JSON.stringify(status)).toBe(true);
  const output = await lab.sandbox.output(job, spec);
  expect(output).toMatchObject(nothing);
  expect(output.stdout.bytes.length + output.stderr.bytes.length).toBe(0);
}

/** Watches until `finish`; what was seen of a Job is asked by kind. */
function observe({ sandbox }: Pick<Lab, 'sandbox'>) {
  const abort = new AbortController();
  const observations: Observation[] = [];
  const watched = sandbox.watch(
    (observation) => observations.push(observation),
    abort.signal,
    () => {},
  );
  return {
    observations,
    of: <K extends Observation['status']['kind']>({ jobUid }: Job, kind: K) =>
      observations.find(({ job, status }) => job.jobUid === jobUid && isOfKind(status, kind)),
    finish: async () => {
      abort.abort();
      await watched;
    },
  };
}

/** Cases about removal, about who sees which Job, and about the watch. */
export const removingCases = {
  removeRunning: {
    title: 'a removal that waits ends what runs, leaves nothing, and succeeds again when it is repeated',
    run: async (lab: Lab) => {
      const made = await launch(lab, lab.programs.forever.code);
      await seen(lab, made.job, 'running');
      expect(await lab.sandbox.remove(made.job, { wait: true })).toEqual({ started: true });
      await leftNothing(lab, made);
      expect(await lab.sandbox.list()).toEqual([]);
      await lab.sandbox.remove(made.job, { wait: true });
      await lab.sandbox.remove(made.job, { wait: false });
      await leftNothing(lab, made);
    },
  },
  startRemoved: {
    title: 'a start after the removal finds no Job and runs nothing',
    run: async (lab: Lab) => {
      const made = await make(lab.sandbox, newSpec());
      await lab.sandbox.remove(made.job, { wait: true });
      const start = lab.sandbox.start(made.job, made.spec, input(lab.programs.forever.code), permitted);
      expect(await start).toBe('absent');
      await leftNothing(lab, made);
      expect(await (lab.fixture.starts?.(made.job) ?? 0)).toBe(0);
    },
  },
  removeUnstarted: {
    title: 'a removal before the start signal says that nothing was started',
    run: async (lab: Lab) => {
      const made = await make(lab.sandbox, newSpec());
      expect(await lab.sandbox.remove(made.job, { wait: true })).toEqual({ started: false });
      await leftNothing(lab, made);
      expect(await lab.sandbox.list()).toEqual([]);
      expect(await (lab.fixture.starts?.(made.job) ?? 0)).toBe(0);
    },
  },
  removeEnded: {
    title: 'a removal that does not wait takes an ended Job away soon',
    run: async (lab: Lab) => {
      const made = await launch(lab, lab.programs.hello.code);
      await seen(lab, made.job, 'ended');
      expect(await lab.sandbox.remove(made.job, { wait: false })).toEqual({ started: true });
      await until(lab, async () => isGone(lab, await lab.sandbox.inspect(made.job)) || undefined);
      await until(lab, async () => ((await lab.sandbox.list()).length === 0 ? true : undefined));
      const { stdout } = await until(lab, async () => {
        const output = await lab.sandbox.output(made.job, made.spec);
        return output.complete ? undefined : output;
      });
      expect(stdout.bytes.length).toBe(0);
    },
  },
  uidPrecondition: {
    title: 'a removal, a start and a look for an earlier Job do not touch the newer one of its name',
    run: async (lab: Lab) => {
      const { sandbox, programs } = lab;
      const spec = newSpec();
      const earlier = await make(sandbox, spec);
      await sandbox.remove(earlier.job, { wait: true });
      const newer = await make(sandbox, spec);
      expect(newer.job.jobUid).not.toBe(earlier.job.jobUid);
      await sandbox.remove(earlier.job, { wait: true });
      await sandbox.remove(earlier.job, { wait: false });
      expect(await sandbox.start(earlier.job, spec, input(programs.forever.code), permitted)).toBe('absent');
      await leftNothing(lab, earlier);
      expect(await sandbox.list()).toEqual([newer.job]);
      expect(await sandbox.start(newer.job, spec, input(programs.hello.code), permitted)).toBe('started');
      await seen(lab, newer.job, 'ended');
      expect(text((await sandbox.output(newer.job, spec)).stdout.bytes)).toBe('hello\n');
    },
  },
  twoClients: {
    title: 'two clients of one installation drive the same Job',
    run: async (lab: Lab) => {
      const other = await lab.fixture.open(lab.installation);
      const made = await make(lab.sandbox, newSpec());
      expect(await other.list()).toEqual([made.job]);
      const code = input(lab.programs.hello.code);
      const starts = [lab.sandbox, other].map((client) => client.start(made.job, made.spec, code, permitted));
      expect(await Promise.all(starts)).toEqual(['started', 'started']);
      await seen({ ...lab, sandbox: other }, made.job, 'ended');
      expect(text((await other.output(made.job, made.spec)).stdout.bytes)).toBe('hello\n');
      await Promise.all([lab.sandbox, other].map((client) => client.remove(made.job, { wait: true })));
      await leftNothing(lab, made);
      expect(await (lab.fixture.starts?.(made.job) ?? 1)).toBe(1);
    },
  },
  installations: {
    title: 'two installations in one place neither see nor touch each other, even with the same execution id',
    run: async (lab: Lab) => {
      const other = await lab.fixture.open(newInstallation());
      const [watched, spec] = [observe(lab), newSpec()];
      const [ours, theirs] = [await make(lab.sandbox, spec), await make(other, spec)];
      expect(ours.job.jobUid).not.toBe(theirs.job.jobUid);
      expect(await lab.sandbox.list()).toEqual([ours.job]);
      expect(await other.list()).toEqual([theirs.job]);
      expect(isGone(lab, await lab.sandbox.inspect(theirs.job))).toBe(true);
      const start = lab.sandbox.start(theirs.job, spec, input(lab.programs.hello.code), permitted);
      expect(await start).toBe('absent');
      await lab.sandbox.remove(theirs.job, { wait: false });
      await lab.sandbox.remove(ours.job, { wait: true });
      expect(await other.inspect(theirs.job)).toMatchObject({ kind: 'waiting' });
      await until(lab, () => watched.of(ours.job, 'waiting'));
      await watched.finish();
      expect(watched.observations.filter(({ job }) => job.jobUid === theirs.job.jobUid)).toEqual([]);
      await other.remove(theirs.job, { wait: true });
    },
  },
  watch: {
    title: 'a watch reports running and ended of Jobs from before and after it began, and ends with its signal',
    run: async (lab: Lab) => {
      const before = await launch(lab, lab.programs.linger.code);
      const watched = observe(lab);
      const after = await launch(lab, lab.programs.hello.code);
      await until(lab, () => watched.of(before.job, 'running'));
      await until(lab, () => watched.of(after.job, 'ended'));
      await until(lab, () => watched.of(before.job, 'ended'));
      await watched.finish();
      const own = [before.job.executionId, after.job.executionId];
      for (const { job } of watched.observations) expect(own).toContain(job.executionId);
    },
  },
  watchEnded: {
    title: 'a watch reports the ending of a Job that had ended before it began',
    run: async (lab: Lab) => {
      const made = await launch(lab, lab.programs.hello.code);
      await seen(lab, made.job, 'ended');
      const watched = observe(lab);
      const { status } = await until(lab, () => watched.of(made.job, 'ended'));
      expect(status).toMatchObject({ ending: { container: { exitCode: 0 } } });
      await watched.finish();
    },
  },
  watchAbsent: {
    title: 'a watch reports a Job that goes away as absent',
    run: async (lab: Lab) => {
      const made = await make(lab.sandbox, newSpec());
      const watched = observe(lab);
      await until(lab, () => watched.of(made.job, 'waiting'));
      await lab.sandbox.remove(made.job, { wait: true });
      await until(lab, () => watched.of(made.job, 'absent'));
      await watched.finish();
    },
  },
};
