import type { PodEnding } from '../../execution/classify.ts';
import type { SandboxStatus } from '../sandbox.ts';
import type { JobObject, Pod } from './objects.ts';

type ContainerState = Pod['status']['containerStatuses'][number]['state'];
type Ended = Extract<SandboxStatus, { kind: 'ended' }>;
type Waiting = Extract<SandboxStatus, { kind: 'waiting' }>['waiting'];

/**
 * What a Job's pods and conditions say. A pod decides alone, an ended one before a running one, since the Job's own
 * conditions come seconds later; they count only when no pod is left, or one that the Job itself deleted.
 */
export function statusOf(pods: readonly Pod[], job: JobObject | undefined): SandboxStatus {
  const statuses = pods.map(podStatus);
  const first = (kind: SandboxStatus['kind']) => statuses.find((status) => status.kind === kind);
  const decided = first('ended') ?? first('running') ?? statuses[0];
  if (decided === undefined) return job === undefined ? { kind: 'absent' } : jobStatus(job);
  return wasDeleted(decided) && job !== undefined ? withDeadline(decided, job) : decided;
}

/** Whether the pod's ending may be no word about the program, so that the Job is worth asking. */
export function wasDeleted(status: SandboxStatus): status is Ended {
  return status.kind === 'ended' && status.deleting;
}

/** The Job's own deadline deletes its pod; the condition that says so in the end comes when the pod is gone. */
function withDeadline(ended: Ended, job: JobObject): Ended {
  const ofJob = jobStatus(job);
  // Of a Job that was deleted first, its deadline is no news.
  if (ofJob.kind !== 'ended' || ofJob.deleting || ofJob.ending.jobReason !== 'DeadlineExceeded') return ended;
  return { ...ended, ending: { ...ended.ending, jobReason: ofJob.ending.jobReason }, deleting: false };
}

/** Whether the kubelet reported any container of the pod as started, now or before. */
export function wasStarted({ status }: Pod): boolean {
  return status.containerStatuses.some(({ state }) => startOf(state) !== null);
}

/**
 * Whether a container of the pod may be started and gone before the next look: it has a node, its image, and what every
 * container needs before, its volumes among that (`PodReadyToStartContainers`, which Kubernetes shows since 1.29).
 */
export function mayStart(pod: Pod): boolean {
  const status = podStatus(pod);
  const isBare = pod.status.conditions.some(
    ({ type, status: value }) => type === 'PodReadyToStartContainers' && value === 'False',
  );
  return pod.spec.nodeName !== '' && !isBare && status.kind === 'waiting' && status.waiting.reason === 'Starting';
}

function podStatus(pod: Pod): SandboxStatus {
  const { status, metadata } = pod;
  const state = status.containerStatuses[0]?.state ?? {};
  if (hasEnded(status.phase, state)) {
    const ending = endingOf(pod, state);
    // An eviction deletes the pod too, but says so in a condition: that ending is the platform's, not ours.
    return { kind: 'ended', ending, deleting: metadata.deletionTimestamp !== null && ending.disruption === '' };
  }
  const startedAt = startOf(state);
  if (startedAt === null) return { kind: 'waiting', waiting: waitingOf(pod, state) };
  return { kind: 'running', startedAt, pod: metadata.name };
}

/**
 * Exit codes that a kill by the kubelet shows too. Eviction, shutdown and deadline write the pod's reason only with
 * its final phase, up to a second after the container's state, so these wait for the phase.
 */
const ambiguousExitCodes: ReadonlySet<number> = new Set([128, 137, 143]);

function hasEnded(phase: string, { terminated }: ContainerState): boolean {
  if (phase === 'Succeeded' || phase === 'Failed') return true;
  if (!terminated) return false;
  return terminated.reason === 'OOMKilled' || !ambiguousExitCodes.has(terminated.exitCode);
}

function startOf({ running, terminated }: ContainerState): number | null {
  const startedAt = running?.startedAt ?? terminated?.startedAt ?? null;
  // Containerd's zero time, shown for a container that was created and never started.
  return startedAt === 0 ? null : startedAt;
}

function endingOf({ status }: Pod, state: ContainerState): PodEnding {
  return {
    podReason: status.reason,
    podMessage: status.message,
    disruption: disruptionOf(status.conditions),
    container: containerEnding(state),
    jobReason: '',
  };
}

function disruptionOf(conditions: Pod['status']['conditions']): string {
  const disruption = conditions.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  return disruption === undefined ? '' : disruption.reason || disruption.type;
}

function containerEnding(state: ContainerState): PodEnding['container'] {
  const startedAt = startOf(state);
  const { terminated, running } = state;
  if (terminated) {
    const { exitCode, reason, message, finishedAt } = terminated;
    // The program can write the message of a container that ran; only for one that did not is it the runtime's.
    return { exitCode, reason, startedAt, finishedAt: finishedAt || null, message: startedAt === null ? message : '' };
  }
  if (!running) return null;
  // The node was lost: the pod was declared failed while its last report said that it ran.
  return { exitCode: 137, reason: 'ContainerStatusUnknown', message: '', startedAt, finishedAt: null };
}

const starting: Waiting = { reason: 'Starting', message: 'the pod is being started', curable: true };

/** What time cannot cure, because the same attempt is repeated with the same input. */
const incurableReasons: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
]);

const waitingReasons: ReadonlyMap<string, Waiting['reason']> = new Map([
  ['ErrImagePull', 'Image'],
  ['ImagePullBackOff', 'Image'],
  ['ErrImageNeverPull', 'Image'],
  ['InvalidImageName', 'Image'],
  ['ImageInspectError', 'Image'],
  ['RegistryUnavailable', 'Image'],
  ['SignatureValidationFailed', 'Image'],
  ['CreateContainerConfigError', 'Configuration'],
  ['CreateContainerError', 'Configuration'],
  ['RunContainerError', 'Configuration'],
]);

function waitingOf({ status }: Pod, { waiting }: ContainerState): Waiting {
  const reason = waitingReasons.get(waiting?.reason ?? '');
  if (waiting && reason !== undefined) {
    const message = waiting.message === '' ? waiting.reason : `${waiting.reason}: ${waiting.message}`;
    return { reason, message, curable: !incurableReasons.has(waiting.reason) };
  }
  const scheduled = status.conditions.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return starting;
  return { reason: 'Unschedulable', message: scheduled.message || scheduled.reason, curable: true };
}

/** How a Job ended, and how it is about to: no pod goes before the first of these is written. */
const jobEndings: ReadonlyMap<string, 'Complete' | 'Failed'> = new Map([
  ['Complete', 'Complete'],
  ['SuccessCriteriaMet', 'Complete'],
  ['Failed', 'Failed'],
  ['FailureTarget', 'Failed'],
]);

function jobStatus({ metadata, spec, status }: JobObject): SandboxStatus {
  const final = status.conditions.find(({ type, status: value }) => value === 'True' && jobEndings.has(type));
  if (final !== undefined) {
    const how = jobEndings.get(final.type) ?? final.type;
    const jobReason = how === 'Complete' ? how : final.reason || how;
    const ending = { podReason: '', podMessage: '', disruption: '', container: null, jobReason };
    return { kind: 'ended', ending, deleting: metadata.deletionTimestamp !== null };
  }
  if (!spec.suspend) return { kind: 'waiting', waiting: { ...starting, message: 'the Job has no pod yet' } };
  return { kind: 'waiting', waiting: { reason: 'PodCreation', message: 'the Job is suspended', curable: true } };
}
