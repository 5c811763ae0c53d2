import { describe, expect, it } from 'vitest';
import type { Resource } from '../../src/resource.ts';
import { judge, type Seen, showExpected, showSeen } from './judge.ts';
import { type Expected, failed, succeeded, timedOut } from './program.ts';

const seconds = (second: number) => new Date(second * 1000).toISOString();
const stream = (bytes: number) => ({ bytes, totalBytes: bytes, truncated: false });
const result = {
  ...{ exitCode: 0, signal: null, fault: null, started: true, retrySafe: false },
  ...{
    reason: 'Completed',
    message: '',
    durationMs: 1,
    outputComplete: true,
    outputIncompleteBecause: null,
    stdout: stream(3),
    stderr: stream(0),
  },
  ...{ usage: null, kernel: 'gVisor 4.4.0', streamsMerged: false, files: [], omittedFiles: 0 },
};
const execution: Resource = {
  ...{ id: 'x', state: 'SUCCEEDED', done: true, language: 'python', isolation: 'gvisor', image: null, waiting: null },
  ...{ args: [], envNames: [], files: [], outputFiles: [], labels: {}, acceptedAt: seconds(1), launchedAt: seconds(2) },
  ...{ startedAt: seconds(10), finishedAt: seconds(11), endedAt: seconds(12), result },
  limits: {
    ...{ timeoutSeconds: 5, startTimeoutSeconds: 60, cpuRequestMillicores: 10, cpuLimitMillicores: 1000 },
    ...{ memoryRequestMiB: 16, memoryLimitMiB: 128, maxStdoutBytes: 10, maxStderrBytes: 10, maxOutputFileBytes: 0 },
  },
};

function seen(fields: Partial<Resource> = {}, stdout = 'out'): Seen {
  const bytes = Buffer.from(stdout);
  return { kind: 'recorded', execution: { ...execution, ...fields }, stdout: bytes, stderr: Buffer.of(), seconds: 2 };
}

const expected: Expected = { endings: succeeded, stdout: { is: 'out' }, withinSeconds: 5 };
const endedBadly = { ...result, exitCode: 3, fault: 'program' } as const;

describe('the judge of hostile programs', () => {
  it('has nothing to say of what is as expected', () => {
    expect(judge(expected, seen())).toEqual([]);
  });

  it('takes any of several endings', () => {
    const either = { ...expected, endings: [...failed(3), ...timedOut] };
    expect(judge(either, seen({ state: 'FAILED', result: endedBadly }))).toEqual([]);
  });

  it.each<{ name: string; expected: Partial<Expected>; seen?: Seen; problem: string }>([
    { name: 'another state', expected: { endings: failed(3) }, problem: 'it is SUCCEEDED' },
    {
      name: 'another exit code',
      expected: { endings: failed(4) },
      seen: seen({ state: 'FAILED', result: endedBadly }),
      problem: 'it is FAILED 3',
    },
    {
      name: 'another signal',
      expected: { endings: [{ state: 'FAILED', signal: 9 }] },
      seen: seen({ state: 'FAILED', result: { ...endedBadly, signal: 11 } }),
      problem: 'it is FAILED 3 signal 11',
    },
    { name: 'a refusal', expected: {}, seen: { kind: 'refused', seconds: 0 }, problem: 'it is REFUSED' },
    { name: 'a late result', expected: { withinSeconds: 1 }, problem: '2.0 s, not 1' },
    { name: 'other output', expected: { stdout: { is: 'ou' } }, problem: 'stdout is "out"' },
    { name: 'output without what it must have', expected: { stdout: { like: [/x/] } }, problem: 'stdout is "out"' },
    { name: 'output with what it must not have', expected: { stdout: { unlike: [/u/] } }, problem: 'stdout is "out"' },
    { name: 'fewer bytes kept', expected: { stdout: { keptBytes: 4 } }, problem: '3 bytes of stdout are kept' },
    {
      name: 'fewer bytes counted',
      expected: { stdout: { leastTotalBytes: 4 } },
      problem: '3 bytes of stdout were counted',
    },
    {
      name: 'output that is called complete',
      expected: { outputComplete: false },
      problem: 'its output is called complete: true',
    },
    { name: 'output on stderr', expected: { stderr: { is: 'x' } }, problem: 'stderr is ""' },
  ])('notices $name', ({ expected: fields, seen: what = seen(), problem }) => {
    expect(judge({ ...expected, ...fields }, what)).toEqual([problem]);
  });

  it.each<{ name: string; fields: Partial<Resource>; stdout?: string; problem: string }>([
    { name: 'that is not final', fields: { result: null }, problem: 'it has no result' },
    {
      name: 'that blames somebody else',
      fields: { result: { ...result, fault: 'platform' } },
      problem: 'the fault is with platform',
    },
    {
      name: 'that calls a run safe to repeat',
      fields: { result: { ...result, retrySafe: true } },
      problem: 'it is called not started, or safe to retry',
    },
    {
      name: 'that cuts output without a word',
      fields: { result: { ...result, stdout: { ...stream(3), totalBytes: 4 } } },
      problem: 'stdout is cut without a word',
    },
    { name: 'that tells another length', fields: {}, stdout: 'four', problem: 'stdout has 4 bytes, not 3' },
    {
      name: 'that keeps more than its cap',
      fields: { result: { ...result, stdout: stream(11) } },
      stdout: 'x'.repeat(11),
      problem: '11 bytes of stdout are kept, over its cap',
    },
    {
      name: 'that was ended long before its limit',
      fields: { state: 'TIMED_OUT', result: { ...result, fault: 'limit' } },
      problem: 'it was ended after 1 s',
    },
  ])('notices a record $name, whatever is expected', ({ fields, stdout, problem }) => {
    const anything = { endings: [{ state: 'SUCCEEDED' }, { state: 'TIMED_OUT' }], withinSeconds: 5 } as const;
    const problems = judge(anything, seen(fields, stdout));
    expect(problems).toEqual([problem]);
  });

  it('shows endings in few words', () => {
    expect(showSeen(seen())).toBe('SUCCEEDED');
    expect(showExpected({ endings: [...succeeded, ...failed(3)], withinSeconds: 1 })).toBe('SUCCEEDED or FAILED 3');
  });
});
