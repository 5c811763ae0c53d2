import { clocks, limits, sizes } from '../../../src/execution/limits.ts';
import { deadlines } from '../../../src/sandbox/kubernetes/job-manifest.ts';
import type { Change } from './changed.ts';

/** One rule of the admission policies, by its message, and an object of ours that breaks nothing else. */
export interface BrokenRule {
  readonly message: string;
  /** What is done to our Job, Pod or ConfigMap; more than one change only where Kubernetes itself would refuse one. */
  readonly changes: readonly Change[];
  /** Of what breaks a rule for pods: the kinds in which Kubernetes itself neither mends nor refuses it. Default: both. */
  readonly only?: 'Job' | 'Pod';
}

const execution = 'metadata labels gke-code-executor/execution';
/** The longest that requests can ask for. */
export const longest = deadlines({
  timeoutSeconds: limits.timeoutSeconds.maximum,
  startTimeoutSeconds: limits.startTimeoutSeconds.maximum,
});

export function broken(message: string, path: string, value: unknown, only?: 'Job' | 'Pod'): BrokenRule {
  return { message, changes: [[path, value]], ...(only === undefined ? {} : { only }) };
}

/** Another execution, whose pod would be right by itself. */
const other = 'zyxwvutsrqponmlkjihgfedcba';
const jobLabels = 'the Job must have the labels of an installation and an execution, and its pod the same';

/** Rules for Jobs. */
export const brokenJobs: readonly BrokenRule[] = [
  broken(jobLabels, execution, undefined),
  {
    message: jobLabels,
    changes: [
      [`spec template ${execution}`, other],
      ['spec template spec volumes 0 configMap name', `run-abcdefgh-${other}-abcdefgh`],
    ],
  },
  broken('the Job must be named run-<installation>-<execution>', 'metadata name', 'other'),
  broken('the Job must not have finalizers', 'metadata finalizers', ['example.com/never']),
  broken('completions must be 1', 'spec completions', 2),
  broken('parallelism must be 1', 'spec parallelism', 2),
  broken('backoffLimit must be 0', 'spec backoffLimit', 1),
  {
    message: 'podReplacementPolicy must be Failed',
    changes: [
      ['spec podReplacementPolicy', 'TerminatingOrFailed'],
      ['spec podFailurePolicy', undefined],
    ],
  },
  broken('podFailurePolicy must end the Job', 'spec podFailurePolicy rules 0 action', 'Ignore'),
  broken(
    'activeDeadlineSeconds of the Job must be set and within its bound',
    'spec activeDeadlineSeconds',
    longest.job + 1,
  ),
  broken('activeDeadlineSeconds of the Job must be set and within its bound', 'spec activeDeadlineSeconds', undefined),
  broken(
    'ttlSecondsAfterFinished must be set and within its bound',
    'spec ttlSecondsAfterFinished',
    clocks.ttlSeconds + 1,
  ),
  broken('ttlSecondsAfterFinished must be set and within its bound', 'spec ttlSecondsAfterFinished', undefined),
  {
    message: 'manualSelector must not be set',
    changes: [
      ['spec manualSelector', true],
      ['spec selector', { matchLabels: { mine: 'all' } }],
      ['spec template metadata labels mine', 'all'],
    ],
  },
  broken('managedBy must not be set', 'spec managedBy', 'example.com/other'),
  broken('suspend must not be set', 'spec suspend', true),
  broken('completionMode must be NonIndexed', 'spec completionMode', 'Indexed'),
  broken(
    'the pod of a Job must not have a priorityClassName or imagePullSecrets',
    'spec template spec priorityClassName',
    'some',
  ),
  broken(
    'the pod of a Job must not have a priorityClassName or imagePullSecrets',
    'spec template spec imagePullSecrets',
    [{ name: 'some' }],
  ),
];

const owners = 'the ConfigMap must be owned by the Job of its labels and nothing else';

/** Rules for ConfigMaps. */
export const brokenConfigMaps: readonly BrokenRule[] = [
  broken('the ConfigMap must have the labels of an installation and an execution', execution, undefined),
  broken(
    'the ConfigMap must be named like the Job of its labels, with 8 characters of a-z and 2-7 behind',
    'metadata name',
    'other',
  ),
  broken(owners, 'metadata ownerReferences', undefined),
  broken(owners, 'metadata ownerReferences 0 kind', 'CronJob'),
  broken(owners, 'metadata ownerReferences 0 name', 'other'),
  broken(owners, 'metadata ownerReferences -', { apiVersion: 'v1', kind: 'Pod', name: 'other', uid: 'other' }),
  broken('the ConfigMap must be immutable', 'immutable', undefined),
  broken('the ConfigMap must have binaryData only', 'data', { more: 'text' }),
  broken(
    'the ConfigMap must be within its bound of bytes',
    'binaryData more',
    Buffer.alloc((sizes.configMapBytes * 3) / 4).toString('base64'),
  ),
  broken('the ConfigMap must not have finalizers', 'metadata finalizers', ['example.com/never']),
];
