import type { SandboxStatus } from '../sandbox.ts';
import { isOver, type JobObject, type PodObject } from './objects.ts';

/** What a Job and its pods, as they were read, say together; a pod decides before the Job does. */
export function statusOf(job: JobObject | undefined, pods: readonly PodObject[]): SandboxStatus {
  if (job === undefined) return { kind: 'absent' };
  const pod = pods.find(isOver) ?? pods.at(-1);
  if (pod === undefined) return statusOfJob(job);
  if (isOver(pod)) {
    const { reason, message, disruption, terminated } = pod;
    // A disruption deletes the pod too, but says so: that ending is the platform's, not ours. So does the Job's deadline.
    const deleted = pod.deletedAt !== null && disruption === '';
    const jobReason = deleted && job.deletedAt === null ? job.failureTarget : '';
    const ending = { podReason: reason, podMessage: message, disruption, container: terminated, jobReason };
    return { kind: 'ended', ending, deleting: deleted && jobReason === '' };
  }
  if (pod.startedAt !== null) return { kind: 'running', startedAt: pod.startedAt };
  return { kind: 'waiting', waiting: pod.waiting };
}

function statusOfJob(job: JobObject): SandboxStatus {
  if (job.condition === '') {
    return { kind: 'waiting', waiting: { reason: 'Starting', message: 'the Job has no pod yet', curable: true } };
  }
  const ending = { podReason: '', podMessage: '', disruption: '', container: null, jobReason: job.condition };
  return { kind: 'ended', ending, deleting: job.deletedAt !== null };
}
