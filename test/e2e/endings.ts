import { expect } from 'vitest';
import type { Waiting } from '../../src/execution/execution.ts';

/** A running execution as kubectl knows it: `job/…` and `pod/…`, and kubectl in their namespace. */
export interface Victim {
  readonly job: string;
  readonly pod: string;
  readonly kubectl: (...args: readonly string[]) => Promise<string>;
  /** Asks for what the pod's sub-resource of that name does. */
  readonly post: (subresource: string, body: object) => Promise<unknown>;
}

/** An ending of the real cluster: how it comes about, what must be said of it, and when at the latest. */
export interface Ending {
  /** The row of the table of endings that it is, where it is one. */
  readonly row: string;
  readonly what: string;
  readonly language?: 'javascript';
  readonly code?: string;
  readonly request?: object;
  /** What is done to it once it runs; its time then counts from here. */
  readonly disturb?: (victim: Victim) => Promise<unknown>;
  /** The reason to wait that must show within 30 s. */
  readonly waits?: Waiting['reason'];
  readonly says: object;
  readonly stdout?: string;
  /** Seconds from its acceptance, or from what was done to it, to its ending in the record. */
  readonly within: number;
}

const sleeps = 'print("begun", flush=True)\nimport time\ntime.sleep(100)';
const begun = 'begun\n';
const program = { fault: 'program', started: true, retrySafe: false } as const;
const limit = { fault: 'limit', started: true, retrySafe: false } as const;
const platform = { fault: 'platform', started: true, retrySafe: false } as const;
const unstarted = { fault: 'platform', started: false, retrySafe: true } as const;
/** A pod takes 1 to 2 s to start alone, and several start at a time here. */
const quick = 20;

/** What programs do by themselves, and what ends them at a limit. */
const byItself: readonly Ending[] = [
  {
    row: '1',
    what: 'exit code 0',
    code: 'print("begun")',
    says: { state: 'SUCCEEDED', fault: null, started: true, reason: 'Completed', exitCode: 0, outputComplete: true },
    stdout: begun,
    within: quick,
  },
  {
    row: '2',
    what: 'another exit code',
    code: 'raise SystemExit(3)',
    says: { state: 'FAILED', ...program, reason: 'Error', exitCode: 3, signal: null },
    within: quick,
  },
  {
    row: '3',
    what: 'a signal',
    code: 'print("begun", flush=True)\nimport os\nos.kill(os.getpid(), 11)',
    says: { state: 'FAILED', ...program, exitCode: 139, signal: 11, outputComplete: true },
    stdout: begun,
    within: quick,
  },
  {
    row: '4',
    what: 'the memory limit',
    code: 'print("begun", flush=True)\nx = b"x" * (400 << 20)\nprint(len(x))',
    request: { memoryLimitMiB: 128, memoryRequestMiB: 64 },
    says: { state: 'MEMORY_LIMIT', ...limit, reason: 'OOMKilled' },
    stdout: begun,
    within: quick,
  },
  {
    row: '5',
    what: 'the time limit, kept by the supervisor',
    code: 'print("begun", flush=True)\nwhile True: pass',
    request: { timeoutSeconds: 2 },
    says: { state: 'TIMED_OUT', ...limit, reason: 'DeadlineExceeded', exitCode: 124, outputComplete: true },
    stdout: begun,
    within: quick + 2,
  },
  {
    row: '5',
    what: 'the time limit of a supervisor that was stopped: ours, five seconds later',
    code: 'print("begun", flush=True)\nimport os, time\ntime.sleep(0.3)\nos.kill(1, 19)\ntime.sleep(100)',
    request: { timeoutSeconds: 2 },
    says: { state: 'TIMED_OUT', ...limit, reason: 'Overdue', outputComplete: false },
    stdout: begun,
    within: quick + 2 + 5 + 10,
  },
  {
    row: '3',
    what: 'a supervisor that its program killed',
    code: 'print("begun", flush=True)\nimport os, time\ntime.sleep(0.3)\nos.kill(1, 9)\ntime.sleep(100)',
    says: { state: 'KILLED', ...program, reason: 'Killed', exitCode: 137, outputComplete: false },
    stdout: begun,
    within: quick,
  },
  {
    row: '7',
    what: 'the disk limit',
    language: 'javascript',
    code: `const fs = require('fs'), log = fs.openSync('/proc/1/fd/1', 'w');
for (const line = 'y'.repeat(65535) + '\\n'; ; ) fs.writeSync(log, line);`,
    request: { timeoutSeconds: 90, cpuLimitMillicores: 300 },
    says: { state: 'DISK_LIMIT', ...limit, reason: 'Evicted', outputComplete: false },
    within: 90,
  },
  {
    row: '26',
    what: 'a log that its node has rotated',
    language: 'javascript',
    code: `const fs = require('fs'), log = fs.openSync('/proc/1/fd/1', 'w');
console.log('first');
setTimeout(() => {
  for (let n = 0; n < 300; n++) fs.writeSync(log, 'x'.repeat(65535) + '\\n');
  setTimeout(() => process.exit(7), 12_000);
}, 500);`,
    says: {
      state: 'FAILED',
      ...program,
      exitCode: 7,
      outputComplete: false,
      outputIncompleteBecause: expect.stringContaining('log'),
    },
    within: quick + 30,
  },
];

/** What others do to a program that runs. */
const disturbed: readonly Ending[] = [
  {
    row: '5',
    what: 'the deadline of its pod',
    disturb: ({ kubectl, pod }) => kubectl('patch', pod, '--patch', '{"spec":{"activeDeadlineSeconds":1}}'),
    says: { state: 'TIMED_OUT', ...limit, reason: 'DeadlineExceeded', message: expect.stringContaining('Pod was') },
    stdout: begun,
    within: 30,
  },
  {
    row: '6',
    what: 'the deadline of its Job, which takes the pod away',
    disturb: ({ kubectl, job }) => kubectl('patch', job, '--patch', '{"spec":{"activeDeadlineSeconds":1}}'),
    says: { state: 'TIMED_OUT', ...limit, reason: 'DeadlineExceeded', message: expect.stringContaining('the Job') },
    within: 30,
  },
  {
    row: '10',
    what: 'an eviction',
    disturb: ({ post }) => post('eviction', { apiVersion: 'policy/v1', kind: 'Eviction' }),
    says: { state: 'INFRA_INTERRUPTED', ...platform },
    within: 30,
  },
  {
    row: '23',
    what: 'the deletion of its Job',
    disturb: ({ kubectl, job }) => kubectl('delete', job, '--wait=false'),
    says: { state: 'LOST', ...platform, reason: 'Lost' },
    within: 30,
  },
  {
    row: '23',
    what: 'the deletion of its pod',
    disturb: ({ kubectl, pod }) => kubectl('delete', pod, '--wait=false'),
    says: { state: 'LOST', ...platform },
    within: 30,
  },
];

const seconds = (n: number) => ({ startTimeoutSeconds: n });
const nowhere = 'registry.invalid/none:1';

/** What never starts. What cannot heal ends a quarter of a minute after it shows, the rest when its time is over. */
const unstartable: readonly Ending[] = [
  {
    row: '15',
    what: 'an image that cannot be pulled',
    request: { image: nowhere },
    waits: 'Image',
    says: { state: 'START_TIMEOUT', ...unstarted, message: expect.stringContaining('it cannot start') },
    within: 60,
  },
  {
    row: '19',
    what: 'no node with room for it',
    request: { cpuRequestMillicores: 8000, cpuLimitMillicores: 8000, ...seconds(12) },
    waits: 'Unschedulable',
    says: { state: 'START_TIMEOUT', ...unstarted, message: expect.stringContaining('Insufficient cpu') },
    within: 12 + 15,
  },
];

export const endings: readonly Ending[] = [
  ...byItself,
  ...disturbed.map((ending) => ({ code: sleeps, ...ending })),
  ...unstartable,
];
