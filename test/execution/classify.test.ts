import { describe, expect, test } from 'vitest';
import { classify, podEndingSchema } from '../../src/execution/classify.ts';
import {
  diedOf,
  exited,
  interrupted,
  limit,
  mute,
  neverRan,
  nobodyKnows,
  program,
  type Row,
  saysTimedOut,
  spoken,
  started,
} from './endings.ts';

const byContainer: readonly Row[] = [
  {
    what: 'exit 0',
    ending: exited(0),
    context: spoken,
    verdict: {
      state: 'SUCCEEDED',
      fault: null,
      ...started,
      exitCode: 0,
      signal: null,
      reason: 'Completed',
      message: '',
    },
  },
  { what: 'exit 0 without a report', ending: exited(0), context: mute, verdict: { state: 'SUCCEEDED' } },
  {
    what: 'exit 3',
    ending: exited(3),
    context: spoken,
    verdict: {
      state: 'FAILED',
      ...program,
      exitCode: 3,
      signal: null,
      reason: 'Error',
      message: 'the program exited with code 3',
    },
  },
  {
    what: 'a module that the image lacks',
    ending: exited(1),
    context: { ...spoken, missingModule: 'numpy' },
    verdict: {
      state: 'FAILED',
      message: 'the program exited with code 1: it has no module numpy, see docs/packages.md',
    },
  },
  {
    what: 'a supervisor that refused to run code on a kernel that is not gVisor',
    ending: exited(125),
    context: { ...mute, kernel: '6.1.0' },
    verdict: { ...interrupted, ...neverRan, reason: 'NotSandboxed', message: 'its kernel is 6.1.0 and not gVisor' },
  },
  {
    what: 'exit 125 of a program on gVisor',
    ending: exited(125),
    context: { ...spoken, kernel: 'gVisor 4.4.0' },
    verdict: { state: 'FAILED', ...program, exitCode: 125 },
  },
  {
    what: 'exit 125 of who knows what',
    ending: exited(125),
    context: mute,
    verdict: { state: 'FAILED', exitCode: 125 },
  },
  { what: 'exit 3 without a report', ending: exited(3), context: mute, verdict: { state: 'FAILED', exitCode: 3 } },
  {
    what: 'a segmentation fault',
    ending: exited(139),
    context: diedOf(11),
    verdict: { state: 'FAILED', ...program, exitCode: 139, signal: 11, message: 'the program died of signal 11' },
  },
  {
    what: 'a program that killed itself',
    ending: exited(137),
    context: diedOf(9),
    verdict: { state: 'FAILED', ...program, exitCode: 137, signal: 9 },
  },
  {
    what: 'a program that exits with 137 by itself',
    ending: exited(137),
    context: spoken,
    verdict: { state: 'FAILED', ...program, exitCode: 137, signal: null },
  },
  {
    what: '137 and no last word',
    ending: exited(137),
    context: mute,
    verdict: { state: 'KILLED', ...program, exitCode: 137, reason: 'Killed' },
  },
  { what: '128 and no last word', ending: exited(128), context: mute, verdict: { state: 'KILLED', exitCode: 128 } },
  { what: '143 and no last word', ending: exited(143), context: mute, verdict: { state: 'FAILED', exitCode: 143 } },
  {
    what: 'the memory kill of gVisor',
    ending: exited(128, { reason: 'OOMKilled' }),
    context: mute,
    verdict: { state: 'MEMORY_LIMIT', ...limit, exitCode: 128, reason: 'OOMKilled' },
  },
  {
    what: 'the memory kill of Linux',
    ending: exited(137, { reason: 'OOMKilled', startedAt: null }),
    context: spoken,
    verdict: { state: 'MEMORY_LIMIT', ...limit, exitCode: 137 },
  },
  {
    what: 'exit 124 after the time limit',
    ending: exited(124, { finishedAt: 70_000 }),
    context: spoken,
    verdict: {
      state: 'TIMED_OUT',
      ...limit,
      exitCode: 124,
      reason: 'DeadlineExceeded',
      message: 'the time limit of 60 s was reached',
    },
  },
  {
    what: 'exit 124 before the time limit',
    ending: exited(124, { finishedAt: 69_000 }),
    context: spoken,
    verdict: { state: 'FAILED', ...program, exitCode: 124 },
  },
  {
    what: 'exit 124 in the last second before the time limit, when the supervisor says that it was the limit',
    ending: exited(124, { finishedAt: 69_000 }),
    context: saysTimedOut,
    verdict: { state: 'TIMED_OUT', ...limit, exitCode: 124 },
  },
  {
    what: 'exit 124 long before the time limit, whatever the supervisor says',
    ending: exited(124, { finishedAt: 68_000 }),
    context: saysTimedOut,
    verdict: { state: 'FAILED', ...program, exitCode: 124 },
  },
  {
    what: 'another exit code after the time limit',
    ending: exited(3, { finishedAt: 99_000 }),
    context: spoken,
    verdict: { state: 'FAILED', exitCode: 3 },
  },
  {
    what: 'exit 124 without a start',
    ending: exited(124, { startedAt: null, finishedAt: 99_000 }),
    context: spoken,
    verdict: { state: 'FAILED', exitCode: 124 },
  },
  {
    what: 'exit 124 without an end',
    ending: exited(124, { finishedAt: null }),
    context: spoken,
    verdict: { state: 'FAILED', exitCode: 124 },
  },
  {
    what: 'a start that broke off with the kubelet',
    ending: exited(128, {
      reason: 'StartError',
      message: 'failed to start containerd task "x": context canceled',
      startedAt: null,
    }),
    context: mute,
    verdict: { ...interrupted, ...nobodyKnows, reason: 'StartError' },
  },
  ...['StartError', 'ContainerCannotRun', 'RunContainerError'].map((reason) => ({
    what: `a container that could not start (${reason})`,
    ending: exited(128, { reason, message: 'exec format error', startedAt: null }),
    context: mute,
    verdict: { ...interrupted, ...neverRan, exitCode: null, reason, message: 'exec format error' },
  })),
  {
    what: 'a status that was lost',
    ending: exited(137, { reason: 'ContainerStatusUnknown', startedAt: null, finishedAt: null }),
    context: mute,
    verdict: { ...interrupted, ...started, exitCode: null, reason: 'ContainerStatusUnknown' },
  },
];

describe('what the end of a container means', () => {
  test.each(byContainer)('$what', ({ ending, context, verdict }) => {
    expect(podEndingSchema.parse(ending)).toEqual(ending);
    expect(classify(ending, context)).toMatchObject(verdict);
  });
});
