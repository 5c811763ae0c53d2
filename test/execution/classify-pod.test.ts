import { describe, expect, test } from 'vitest';
import { classify, podEndingSchema } from '../../src/execution/classify.ts';
import {
  exited,
  interrupted,
  killed,
  knownStarted,
  limit,
  mute,
  neverRan,
  nobodyKnows,
  type Row,
  ran,
  silent,
  spoken,
  started,
} from './endings.ts';

const nodePressure = 'The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 900Mi. ';
const podDisk = 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ';
const containerDisk = 'Container main exceeded its local ephemeral storage limit "1Gi". ';
const emptyDir = 'Usage of EmptyDir volume "work" exceeds the limit "16Mi". ';

const byPod: readonly Row[] = [
  {
    what: 'the pod deadline',
    ending: { ...silent, podReason: 'DeadlineExceeded', podMessage: 'Pod was active too long', container: killed },
    context: mute,
    verdict: {
      state: 'TIMED_OUT',
      ...limit,
      exitCode: null,
      reason: 'DeadlineExceeded',
      message: 'Pod was active too long',
    },
  },
  {
    what: 'the pod deadline before a container started',
    ending: { ...silent, podReason: 'DeadlineExceeded' },
    context: mute,
    verdict: { state: 'START_TIMEOUT', fault: 'platform', ...neverRan, reason: 'DeadlineExceeded' },
  },
  {
    what: 'the pod deadline when only the record knows of the start',
    ending: { ...silent, podReason: 'DeadlineExceeded' },
    context: knownStarted,
    verdict: { state: 'TIMED_OUT', ...limit },
  },
  ...[podDisk, containerDisk, emptyDir].map((podMessage) => ({
    what: `its own disk use: ${podMessage}`,
    ending: { ...silent, podReason: 'Evicted', podMessage, container: killed },
    context: mute,
    verdict: { state: 'DISK_LIMIT', ...limit, reason: 'Evicted', message: podMessage } as const,
  })),
  {
    what: 'a node short of disk',
    ending: { ...silent, podReason: 'Evicted', podMessage: nodePressure, container: killed },
    context: mute,
    verdict: { ...interrupted, ...started, reason: 'Evicted', message: nodePressure },
  },
  {
    what: 'a node short of disk, with the condition that says so',
    ending: {
      ...silent,
      podReason: 'Evicted',
      podMessage: nodePressure,
      disruption: 'TerminationByKubelet',
      container: killed,
    },
    context: mute,
    verdict: { ...interrupted, ...started, reason: 'TerminationByKubelet', message: nodePressure },
  },
  ...['Evicted', 'NodeAffinity', 'UnexpectedAdmissionError', 'OutOfcpu', 'Preempting'].map((podReason) => ({
    what: `a kubelet that refuses the pod (${podReason})`,
    ending: { ...silent, podReason, podMessage: 'no' },
    context: mute,
    verdict: { ...interrupted, ...neverRan, reason: podReason, message: 'no' },
  })),
  {
    what: 'an eviction whose container status was lost',
    ending: {
      ...silent,
      podReason: 'Evicted',
      podMessage: nodePressure,
      container: { ...killed, reason: 'ContainerStatusUnknown', startedAt: null, finishedAt: null },
    },
    context: mute,
    verdict: { ...interrupted, ...started },
  },
  {
    what: 'the shutdown of a node',
    ending: { ...silent, podReason: 'Terminated', podMessage: 'imminent node shutdown', container: killed },
    context: mute,
    verdict: { ...interrupted, ...started, reason: 'Terminated' },
  },
  {
    what: 'the shutdown of a node that the program answered with exit 0',
    ending: { ...silent, disruption: 'TerminationByKubelet', container: ran },
    context: spoken,
    verdict: { ...interrupted, ...started, exitCode: null, reason: 'TerminationByKubelet' },
  },
  {
    what: 'a node that is lost before a start was reported',
    ending: { ...silent, podReason: 'NodeLost' },
    context: mute,
    verdict: { ...interrupted, ...nobodyKnows, reason: 'NodeLost' },
  },
];

const byDisruption: readonly Row[] = [
  ...['PreemptionByScheduler', 'EvictionByEvictionAPI'].flatMap((disruption) => [
    {
      what: `${disruption} of a running pod`,
      ending: { ...silent, disruption, container: killed },
      context: mute,
      verdict: { ...interrupted, ...started, exitCode: null, reason: disruption },
    },
    {
      what: `${disruption} of a pod that had not started`,
      ending: { ...silent, disruption },
      context: mute,
      verdict: { ...interrupted, ...neverRan, reason: disruption },
    },
  ]),
  ...['DeletionByTaintManager', 'DeletionByPodGC'].flatMap((disruption) => [
    {
      what: `${disruption}, its node silent since before the start`,
      ending: { ...silent, disruption },
      context: mute,
      verdict: { ...interrupted, ...nobodyKnows, reason: disruption },
    },
    {
      what: `${disruption} of what the record knows to run`,
      ending: { ...silent, disruption },
      context: knownStarted,
      verdict: { ...interrupted, ...started, reason: disruption },
    },
  ]),
  {
    what: 'a disruption beside a memory kill',
    ending: { ...silent, disruption: 'TerminationByKubelet', container: { ...killed, reason: 'OOMKilled' } },
    context: mute,
    verdict: { ...interrupted, ...started },
  },
];

const withoutPod: readonly Row[] = [
  {
    what: 'a Job that completed',
    ending: { ...silent, jobReason: 'Complete' },
    context: mute,
    verdict: { state: 'SUCCEEDED', fault: null, ...started, exitCode: 0, reason: 'Completed' },
  },
  {
    what: 'the deadline of a Job that ran',
    ending: { ...silent, jobReason: 'DeadlineExceeded' },
    context: knownStarted,
    verdict: { state: 'TIMED_OUT', ...limit, message: 'the deadline of the Job was reached' },
  },
  {
    what: 'the deadline of a Job not known to have run',
    ending: { ...silent, jobReason: 'DeadlineExceeded' },
    context: mute,
    verdict: { state: 'START_TIMEOUT', fault: 'platform', ...nobodyKnows },
  },
  {
    what: 'the deadline of a Job beside the pod that it deleted',
    ending: { ...silent, jobReason: 'DeadlineExceeded', container: killed },
    context: mute,
    verdict: { state: 'TIMED_OUT', ...limit, message: 'the deadline of the Job was reached' },
  },
  {
    what: 'the deadline of a Job beside its pod, which never ran',
    ending: { ...silent, jobReason: 'DeadlineExceeded', container: { ...killed, startedAt: null, reason: 'Error' } },
    context: mute,
    verdict: { state: 'START_TIMEOUT', fault: 'platform', ...nobodyKnows },
  },
  {
    what: 'a disruption whose pod is gone',
    ending: { ...silent, jobReason: 'PodFailurePolicy' },
    context: mute,
    verdict: { ...interrupted, ...nobodyKnows, reason: 'PodFailurePolicy' },
  },
  {
    what: 'a failure whose pod is gone',
    ending: { ...silent, jobReason: 'BackoffLimitExceeded' },
    context: mute,
    verdict: { state: 'LOST', fault: 'platform', ...started, reason: 'BackoffLimitExceeded' },
  },
  {
    what: 'a pod that says nothing',
    ending: silent,
    context: mute,
    verdict: { state: 'LOST', fault: 'platform', ...nobodyKnows, reason: 'NoStatus' },
  },
  {
    what: 'a pod beside a Job condition: the pod decides',
    ending: { ...exited(3), jobReason: 'Complete' },
    context: spoken,
    verdict: { state: 'FAILED', exitCode: 3 },
  },
];

describe('what the end of a pod, or of a Job without one, means', () => {
  test.each([...byPod, ...byDisruption, ...withoutPod])('$what', ({ ending, context, verdict }) => {
    expect(podEndingSchema.parse(ending)).toEqual(ending);
    expect(classify(ending, context)).toMatchObject(verdict);
  });
});
