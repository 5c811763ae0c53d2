import { describe, expect, test } from 'vitest';
import { statusOf } from '../../../src/sandbox/kubernetes/pod-status.ts';
import {
  deleted,
  disrupted,
  ended,
  ending,
  exit,
  exited,
  finishedAt,
  parseJob,
  parsePod,
  running,
  startedAt,
  stillRunning,
  waits,
} from './statuses.ts';

describe('a pod that ended', () => {
  const table: { what: string; status: object; expected: object }[] = [
    {
      what: '1 exit 0, seen before the phase says so',
      status: { phase: 'Running', ...exited(0, 'Completed') },
      expected: ended(ending(exit(0, 'Completed'))),
    },
    {
      what: '2 exit 3, seen before the phase says so',
      status: { phase: 'Running', ...exited(3, 'Error') },
      expected: ended(ending(exit(3, 'Error'))),
    },
    {
      what: '3 a signal of its own',
      status: { phase: 'Running', ...exited(139, 'Error') },
      expected: ended(ending(exit(139, 'Error'))),
    },
    {
      what: '4 memory, as gVisor shows it',
      status: { phase: 'Running', ...exited(128, 'OOMKilled') },
      expected: ended(ending(exit(128, 'OOMKilled'))),
    },
    {
      what: '4 memory, as runc shows it',
      status: { phase: 'Running', ...exited(137, 'OOMKilled') },
      expected: ended(ending(exit(137, 'OOMKilled'))),
    },
    {
      what: '5 the supervisor at the time limit',
      status: { phase: 'Running', ...exited(124, 'Error') },
      expected: ended(ending(exit(124, 'Error'))),
    },
    {
      what: '5 the deadline of the pod',
      status: {
        phase: 'Failed',
        reason: 'DeadlineExceeded',
        message: 'Pod was active too long',
        ...exited(137, 'Error'),
      },
      expected: ended(
        ending(exit(137, 'Error'), { podReason: 'DeadlineExceeded', podMessage: 'Pod was active too long' }),
      ),
    },
    {
      what: '5 the deadline of the pod before its container started',
      status: { phase: 'Failed', reason: 'DeadlineExceeded', ...waits('ContainerCreating') },
      expected: ended(ending(null, { podReason: 'DeadlineExceeded' })),
    },
    {
      what: '7 the disk limit',
      status: {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'Usage of EmptyDir volume "work" exceeds',
        ...exited(137, 'Error'),
      },
      expected: ended(
        ending(exit(137, 'Error'), { podReason: 'Evicted', podMessage: 'Usage of EmptyDir volume "work" exceeds' }),
      ),
    },
    {
      what: '8 pressure on the node',
      status: { phase: 'Failed', reason: 'Evicted', ...disrupted('TerminationByKubelet'), ...exited(137, 'Error') },
      expected: ended(ending(exit(137, 'Error'), { podReason: 'Evicted', disruption: 'TerminationByKubelet' })),
    },
    {
      what: '9 preemption',
      status: { phase: 'Failed', ...disrupted('PreemptionByScheduler'), ...exited(137, 'Error') },
      expected: ended(ending(exit(137, 'Error'), { disruption: 'PreemptionByScheduler' })),
    },
    {
      what: '11 shutdown of the node survived with exit 0',
      status: {
        phase: 'Succeeded',
        reason: 'Terminated',
        ...disrupted('TerminationByKubelet'),
        ...exited(0, 'Completed'),
      },
      expected: ended(ending(exit(0, 'Completed'), { podReason: 'Terminated', disruption: 'TerminationByKubelet' })),
    },
    {
      what: '12 preempted by the kubelet for a critical pod',
      status: { phase: 'Failed', reason: 'Preempting' },
      expected: ended(ending(null, { podReason: 'Preempting' })),
    },
    {
      what: '13 node lost while the last report said running',
      status: { phase: 'Failed', ...disrupted('DeletionByPodGC'), ...running },
      expected: ended(
        ending(
          { exitCode: 137, reason: 'ContainerStatusUnknown', message: '', startedAt, finishedAt: null },
          { disruption: 'DeletionByPodGC' },
        ),
      ),
    },
    {
      what: '14 refused by the kubelet',
      status: { phase: 'Failed', reason: 'OutOfcpu', message: 'Pod was rejected: Node did not have enough resource' },
      expected: ended(
        ending(null, { podReason: 'OutOfcpu', podMessage: 'Pod was rejected: Node did not have enough resource' }),
      ),
    },
    {
      what: '16 the runtime could not start the program; only then is the message its own',
      status: {
        phase: 'Failed',
        ...exited(128, 'StartError', { message: 'no such file', startedAt: '1970-01-01T00:00:00Z' }),
      },
      expected: ended(
        ending({ exitCode: 128, reason: 'StartError', message: 'no such file', startedAt: null, finishedAt }),
      ),
    },
    {
      what: 'a message that the program wrote itself is dropped',
      status: { phase: 'Failed', ...exited(1, 'Error', { message: 'forged' }) },
      expected: ended(ending(exit(1, 'Error'))),
    },
    {
      what: '32 unknown to all of us',
      status: { phase: 'Failed', reason: 'Novel', message: 'new' },
      expected: ended(ending(null, { podReason: 'Novel', podMessage: 'new' })),
    },
    {
      what: 'a disruption that was called off',
      status: { phase: 'Failed', ...disrupted('PreemptionByScheduler', 'False'), ...exited(1, 'Error') },
      expected: ended(ending(exit(1, 'Error'))),
    },
  ];
  test.each(table)('$what', ({ status, expected }) => {
    expect(statusOf([parsePod(status)], undefined)).toEqual(expected);
  });

  test.each([128, 137, 143])('with exit %i is not decided before its phase, where the kubelet says why', (code) => {
    expect(statusOf([parsePod({ phase: 'Running', ...exited(code, 'Error') })], undefined)).toEqual(stillRunning);
    expect(statusOf([parsePod({ phase: 'Failed', ...exited(code, 'Error') })], undefined)).toEqual(
      ended(ending(exit(code, 'Error'))),
    );
  });

  test('while it was being deleted says so, unless a disruption deleted it', () => {
    const killed = { phase: 'Failed', ...exited(143, 'Error') };
    expect(statusOf([parsePod(killed, deleted)], undefined)).toEqual(ended(ending(exit(143, 'Error')), true));
    const evicted = { ...killed, ...disrupted('EvictionByEvictionAPI') };
    expect(statusOf([parsePod(evicted, deleted)], undefined)).toEqual(
      ended(ending(exit(143, 'Error'), { disruption: 'EvictionByEvictionAPI' })),
    );
  });

  test.each(['FailureTarget', 'Failed'])('and deleted by the deadline of its Job (%s) says that', (type) => {
    const killed = { phase: 'Failed', ...exited(137, 'Error') };
    const conditions = [{ type, status: 'True', reason: 'DeadlineExceeded' }];
    const over = ending(exit(137, 'Error'), { jobReason: 'DeadlineExceeded' });
    expect(statusOf([parsePod(killed, deleted)], parseJob({ conditions }))).toEqual(ended(over));
    const own = ended(ending(exit(137, 'Error')));
    expect(statusOf([parsePod(killed)], parseJob({ conditions }))).toEqual(own);
    const stopped = ended(ending(exit(137, 'Error')), true);
    expect(statusOf([parsePod(killed, deleted)], parseJob({ conditions }, deleted))).toEqual(stopped);
    const takenBack = [{ type, status: 'False', reason: 'DeadlineExceeded' }];
    expect(statusOf([parsePod(killed, deleted)], parseJob({ conditions: takenBack }))).toEqual(stopped);
    const other = [{ type, status: 'True', reason: 'BackoffLimitExceeded' }];
    expect(statusOf([parsePod(killed, deleted)], parseJob({ conditions: other }))).toEqual(stopped);
  });
});
