import { expect } from 'vitest';
import {
  input,
  isGone,
  judged,
  type Lab,
  type Made,
  make,
  newInstallation,
  newSpec,
  pause,
  permitted,
  seen,
  text,
  until,
} from './lab.ts';

/** The Job waits still; one that was refused its start may as well be gone. */
async function nothingRan(lab: Lab, { job, spec }: Made): Promise<void> {
  const { sandbox, fixture } = lab;
  const status = await sandbox.inspect(job);
  expect(status.kind === 'waiting' || isGone(lab, status), JSON.stringify(status)).toBe(true);
  const { stdout, complete } = await sandbox.output(job, spec);
  expect({ stdout: text(stdout.bytes), complete }).toEqual({ stdout: '', complete: false });
  expect(await (fixture.starts?.(job) ?? 0)).toBe(0);
}

/** Cases about making a Job and giving it its start signal. */
export const startingCases = {
  createRepeats: {
    title: 'create returns the Job there is when it is repeated, also at the same time and by another client',
    run: async ({ fixture, installation, sandbox }: Lab) => {
      const spec = newSpec();
      const other = await fixture.open(installation);
      const [first, second] = await Promise.all([sandbox.create(spec), other.create(spec)]);
      const third = await sandbox.create(spec);
      expect(first).toMatchObject({ kind: 'created' });
      expect([second, third]).toEqual([first, first]);
      expect(await sandbox.list()).toHaveLength(1);
    },
  },
  createVerifies: {
    title: 'create rejects a Job of that name that was made for another request',
    run: async ({ sandbox }: Lab) => {
      const spec = newSpec({ memoryLimitMiB: 256 });
      await make(sandbox, spec);
      const changed = { ...spec, request: { ...spec.request, memoryLimitMiB: 320 } };
      expect(await sandbox.create(changed)).toMatchObject({ kind: 'rejected', message: expect.stringMatching(/./) });
    },
  },
  room: {
    title: 'create says full when there is no room, finds its own Job all the same, and has room after a removal',
    run: async (lab: Lab) => {
      const installation = newInstallation();
      const sandbox = await lab.fixture.openWithRoom?.(installation, 1);
      if (sandbox === undefined) throw new Error('a fixture without openWithRoom opts out of "room"');
      const [spec, waiting] = [newSpec(), newSpec()];
      const { job } = await make(sandbox, spec);
      expect(await sandbox.create(waiting)).toMatchObject({ kind: 'full', message: expect.stringMatching(/./) });
      expect(await sandbox.create(spec)).toEqual({ kind: 'created', jobUid: job.jobUid });
      await sandbox.remove(job, { wait: true });
      const created = await until(lab, async () => {
        const creation = await sandbox.create(waiting);
        return creation.kind === 'created' ? creation : undefined;
      });
      await sandbox.remove({ executionId: waiting.executionId, jobUid: created.jobUid }, { wait: true });
    },
  },
  waits: {
    title: 'no code runs before the start signal',
    run: async (lab: Lab) => {
      const made = await make(lab.sandbox, newSpec());
      await pause(lab, 2000);
      await nothingRan(lab, made);
    },
  },
  startsOnce: {
    title: 'a start that is repeated at the same time, while it runs and after the end runs the code once',
    run: async (lab: Lab) => {
      const { sandbox, programs, fixture } = lab;
      const made = await make(sandbox, newSpec());
      const start = () => sandbox.start(made.job, made.spec, input(programs.hello.code), permitted);
      expect(await Promise.all([start(), start()])).toContain('started');
      expect(await start()).toBe('started');
      const before = await seen(lab, made.job, 'ended');
      expect(await start()).toBe('started');
      await pause(lab, 500);
      expect(await sandbox.inspect(made.job)).toEqual(before);
      expect(text((await judged(lab, made)).output.stdout.bytes)).toBe('hello\n');
      expect(await (fixture.starts?.(made.job) ?? 1)).toBe(1);
    },
  },
  startAbsent: {
    title: 'a start for a Job that is not there, or of another uid, is absent and runs nothing',
    run: async (lab: Lab) => {
      const { sandbox, programs } = lab;
      const made = await make(sandbox, newSpec());
      const start = (executionId: string, jobUid: string) =>
        sandbox.start({ executionId, jobUid }, made.spec, input(programs.hello.code), permitted);
      const foreign = '5f0c8d8e-0000-4000-8000-000000000000';
      expect(await start(made.job.executionId, foreign)).toBe('absent');
      expect(await start(newSpec().executionId, made.job.jobUid)).toBe('absent');
      await pause(lab, 500);
      await nothingRan(lab, made);
    },
  },
  permitRefused: {
    title: 'a start whose permit is refused hands over no code',
    run: async (lab: Lab) => {
      const made = await make(lab.sandbox, newSpec());
      const refuse = () => Promise.resolve(false);
      const { code } = lab.programs.hello;
      expect(await lab.sandbox.start(made.job, made.spec, input(code), refuse)).toBe('refused');
      await pause(lab, 500);
      await nothingRan(lab, made);
    },
  },
  permitThrows: {
    title: 'a start whose permit throws throws too and hands over no code',
    run: async (lab: Lab) => {
      const made = await make(lab.sandbox, newSpec());
      const fail = () => Promise.reject(new Error('the store is away'));
      const start = lab.sandbox.start(made.job, made.spec, input(lab.programs.hello.code), fail);
      await expect(start).rejects.toThrow('the store is away');
      await pause(lab, 500);
      await nothingRan(lab, made);
    },
  },
  permitFirst: {
    title: 'no code runs until the permit is given, and its time is the time of the start',
    run: async (lab: Lab) => {
      const made = await make(lab.sandbox, newSpec());
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const asked: number[] = [];
      const permit = (startedAt: number) => {
        asked.push(startedAt);
        return promise;
      };
      const start = lab.sandbox.start(made.job, made.spec, input(lab.programs.hello.code), permit);
      await until(lab, () => asked[0]);
      await pause(lab, 500);
      await nothingRan(lab, made);
      resolve(true);
      expect(await start).toBe('started');
      const { ending } = await seen(lab, made.job, 'ended');
      expect([ending.container?.startedAt]).toEqual(asked);
    },
  },
  permitNever: {
    title: 'permit is never called where the kubelet decides when a container starts',
    run: async (lab: Lab) => {
      const made = await make(lab.sandbox, newSpec());
      let calls = 0;
      const permit = async () => {
        calls += 1;
        return false;
      };
      expect(await lab.sandbox.start(made.job, made.spec, input(lab.programs.hello.code), permit)).toBe('started');
      expect((await judged(lab, made)).verdict.state).toBe('SUCCEEDED');
      expect(calls).toBe(0);
    },
  },
};
