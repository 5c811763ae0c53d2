import { jobName } from '../../execution/identity.ts';
import { type Job, needsExplanation, type SandboxStatus } from '../sandbox.ts';
import { explain } from './explain.ts';
import type { Namespace } from './namespace.ts';
import { statusOf, wasDeleted, wasStarted } from './pod-status.ts';

/** Milliseconds after which a pod or Job that shows no progress is worth a look at the events. */
const explainAfterMs = 3_000;

export interface Inspected {
  readonly status: SandboxStatus;
  /** Name of the pod whose container was started, if one was. */
  readonly startedPod: string | undefined;
}

/** Reads what is true of the Job of that uid: its pods, and the Job itself where they say nothing. */
export async function inspectJob(namespace: Namespace, job: Job): Promise<Inspected> {
  const pods = await namespace.podsOf(job.jobUid);
  const shown = statusOf(pods, undefined);
  const isAsked = pods.length === 0 || wasDeleted(shown);
  const object = isAsked ? await namespace.job(jobName(namespace.installationId, job.executionId)) : undefined;
  const status = object?.metadata.uid === job.jobUid ? statusOf(pods, object) : shown;
  const createdAt = (pods[0] ?? object)?.metadata.creationTimestamp ?? Date.now();
  const startedPod = pods.find(wasStarted)?.metadata.name;
  if (!needsExplanation(status) || Date.now() - createdAt < explainAfterMs) return { status, startedPod };
  return { status: await explain(namespace, job, pods, status), startedPod };
}
