import { describe, expect, test } from 'vitest';
import { jobSchema } from '../../../src/sandbox/kubernetes/objects.ts';
import { statusOf, wasStarted } from '../../../src/sandbox/kubernetes/pod-status.ts';
import { job } from './fake-api.ts';
import {
  deleted,
  disrupted,
  ended,
  ending,
  exited,
  parseJob,
  parsePod,
  running,
  stillRunning,
  waits,
} from './statuses.ts';

describe('a pod that has not ended', () => {
  const unschedulable = {
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' }],
  };
  const table: [string, object, object][] = [
    ['just made', { phase: 'Pending' }, { reason: 'Starting', message: 'the pod is being started', curable: true }],
    [
      'being set up',
      { phase: 'Pending', ...waits('ContainerCreating') },
      { reason: 'Starting', message: 'the pod is being started', curable: true },
    ],
    [
      '19 unschedulable',
      { phase: 'Pending', ...unschedulable },
      { reason: 'Unschedulable', message: '0/3 nodes', curable: true },
    ],
    [
      '15 image',
      { phase: 'Pending', ...waits('ErrImagePull', 'not found') },
      { reason: 'Image', message: 'ErrImagePull: not found', curable: false },
    ],
    [
      '15 image',
      { phase: 'Pending', ...waits('ImagePullBackOff') },
      { reason: 'Image', message: 'ImagePullBackOff', curable: false },
    ],
    [
      '15 image',
      { phase: 'Pending', ...waits('ErrImageNeverPull') },
      { reason: 'Image', message: 'ErrImageNeverPull', curable: false },
    ],
    [
      '15 image',
      { phase: 'Pending', ...waits('InvalidImageName') },
      { reason: 'Image', message: 'InvalidImageName', curable: false },
    ],
    [
      '15 image',
      { phase: 'Pending', ...waits('RegistryUnavailable') },
      { reason: 'Image', message: 'RegistryUnavailable', curable: true },
    ],
    [
      '16 config',
      { phase: 'Pending', ...waits('CreateContainerConfigError', 'root') },
      { reason: 'Configuration', message: 'CreateContainerConfigError: root', curable: false },
    ],
    [
      '16 config',
      { phase: 'Pending', ...waits('CreateContainerError') },
      { reason: 'Configuration', message: 'CreateContainerError', curable: true },
    ],
    [
      'a container that was created and never started',
      { phase: 'Pending', ...exited(128, 'StartError', { startedAt: '1970-01-01T00:00:00Z' }) },
      { reason: 'Starting', message: 'the pod is being started', curable: true },
    ],
  ];
  test.each(table)('%s: %j', (_what, status, waiting) => {
    expect(statusOf([parsePod(status)], undefined)).toEqual({ kind: 'waiting', waiting });
  });

  test('runs since its container started, also while it is being deleted or evicted', () => {
    expect(statusOf([parsePod({ phase: 'Running', ...running })], undefined)).toEqual(stillRunning);
    const leaving = { phase: 'Running', ...running, ...disrupted('EvictionByEvictionAPI') };
    expect(statusOf([parsePod(leaving, deleted)], undefined)).toEqual(stillRunning);
  });
});

describe('a Job without pods', () => {
  const condition = (type: string, reason = '', status = 'True') => ({ conditions: [{ type, status, reason }] });

  test('and without a Job is absent', () => {
    expect(statusOf([], undefined)).toEqual({ kind: 'absent' });
  });

  test.each([
    ['28 complete', condition('Complete'), 'Complete'],
    ['6 deadline', condition('Failed', 'DeadlineExceeded'), 'DeadlineExceeded'],
    ['10 disruption', condition('Failed', 'PodFailurePolicy'), 'PodFailurePolicy'],
    ['28 failed', condition('Failed', 'BackoffLimitExceeded'), 'BackoffLimitExceeded'],
    ['failed without a reason', condition('Failed'), 'Failed'],
    ['6 deadline, on its way', condition('FailureTarget', 'DeadlineExceeded'), 'DeadlineExceeded'],
    ['28 on its way to success', condition('SuccessCriteriaMet'), 'Complete'],
  ])('%s', (_what, status, jobReason) => {
    expect(statusOf([], parseJob(status))).toEqual(ended(ending(null, { jobReason })));
    expect(statusOf([], parseJob(status, deleted))).toEqual(ended(ending(null, { jobReason }), true));
  });

  test.each([
    ['new', {}],
    ['whose condition was taken back', condition('Failed', 'x', 'False')],
  ])('%s waits for a pod', (_what, status) => {
    const waiting = { reason: 'Starting', message: 'the Job has no pod yet', curable: true };
    expect(statusOf([], parseJob(status))).toEqual({ kind: 'waiting', waiting });
  });

  test('30 suspended says so', () => {
    const raw = job('run', 'j');
    const suspended = jobSchema.parse({ ...raw, spec: { ...raw.spec, suspend: true } });
    expect(statusOf([], suspended)).toMatchObject({
      waiting: { reason: 'PodCreation', message: 'the Job is suspended' },
    });
  });
});

describe('29 several pods of one Job', () => {
  const pods = {
    pending: parsePod({ phase: 'Pending' }),
    running: parsePod({ phase: 'Running', ...running }),
    ended: parsePod({ phase: 'Succeeded', ...exited(0, 'Completed') }),
  };
  test('an ended one decides before a running one, and that before a waiting one', () => {
    expect(statusOf([pods.pending, pods.running, pods.ended], undefined).kind).toBe('ended');
    expect(statusOf([pods.pending, pods.running], undefined).kind).toBe('running');
    expect(statusOf([pods.pending], parseJob({ conditions: [{ type: 'Failed', status: 'True' }] })).kind).toBe(
      'waiting',
    );
  });

  test('a pod tells whether its container was ever started', () => {
    expect(Object.values(pods).map(wasStarted)).toEqual([false, true, true]);
  });
});
