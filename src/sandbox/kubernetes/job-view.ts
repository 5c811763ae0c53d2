import { type Job, needsExplanation, type Observation, type SandboxStatus } from '../sandbox.ts';
import { labels } from './job-manifest.ts';
import type { Changes } from './list-watch.ts';
import { controllerUid, isOwnedBy } from './namespace.ts';
import type { JobObject, Pod } from './objects.ts';
import { statusOf } from './pod-status.ts';

/** A Job as both watches have shown it. */
export interface ViewedJob {
  readonly job: Job;
  readonly pods: Map<string, Pod>;
  object: JobObject | undefined;
  /** What pods and Job themselves say. */
  status: SandboxStatus;
  /** What events said about a pod or Job that does not move; dropped when it moves. */
  explained: SandboxStatus | undefined;
  /** The last report, to be compared with. */
  reported: string;
}

export interface JobView {
  readonly pods: Changes<Pod>;
  readonly jobs: Changes<JobObject>;
  /** Jobs whose status says no more than that nothing has happened yet. */
  stuck(): readonly ViewedJob[];
  /** Puts what events say in place of the status they were asked about, if it is still that. */
  explain(viewed: ViewedJob, about: SandboxStatus, status: SandboxStatus): void;
}

/**
 * Joins a watch of Pods and one of Jobs into observations: a Job is reported when its status differs from the last
 * report, and anew after each list. Silent until both have listed once, since half the picture misleads.
 */
export function jobView(observe: (observation: Observation) => void): JobView {
  const viewed = new Map<string, ViewedJob>();
  const listed = { pods: false, jobs: false };

  const view = (job: Job): ViewedJob => {
    const known = viewed.get(job.jobUid) ?? newlyViewed(job);
    viewed.set(job.jobUid, known);
    return known;
  };
  const report = (entry: ViewedJob) => {
    if (!listed.pods || !listed.jobs) return;
    const observation = update(entry);
    if (entry.status.kind === 'absent') viewed.delete(entry.job.jobUid);
    if (observation !== undefined) observe(observation);
  };
  const reportAll = () => {
    for (const entry of [...viewed.values()]) {
      entry.reported = '';
      report(entry);
    }
  };
  const withPod = (pod: Pod, change: (pods: Map<string, Pod>) => void) => {
    const job = jobOfPod(pod);
    if (job === undefined) return;
    const entry = view(job);
    change(entry.pods);
    report(entry);
  };
  const withJob = (object: JobObject, now: JobObject | undefined) => {
    const entry = view(jobOf(object));
    entry.object = now;
    report(entry);
  };

  return {
    pods: {
      replaced: (pods) => {
        listed.pods = false;
        for (const entry of viewed.values()) entry.pods.clear();
        for (const pod of pods) withPod(pod, (known) => known.set(pod.metadata.uid, pod));
        listed.pods = true;
        reportAll();
      },
      changed: (pod) => withPod(pod, (known) => known.set(pod.metadata.uid, pod)),
      deleted: (pod) => withPod(pod, (known) => known.delete(pod.metadata.uid)),
    },
    jobs: {
      replaced: (jobs) => {
        listed.jobs = false;
        for (const entry of viewed.values()) entry.object = undefined;
        for (const object of jobs) withJob(object, object);
        listed.jobs = true;
        reportAll();
      },
      changed: (object) => withJob(object, object),
      deleted: (object) => withJob(object, undefined),
    },
    stuck: () => [...viewed.values()].filter(({ status }) => needsExplanation(status)),
    explain: (entry, about, status) => {
      if (!isSame(entry.status, about)) return;
      entry.explained = status;
      report(entry);
    },
  };
}

function newlyViewed(job: Job): ViewedJob {
  const nothing = { object: undefined, status: { kind: 'absent' }, explained: undefined, reported: '' } as const;
  return { job, pods: new Map(), ...nothing };
}

/** Brings the entry up to date; undefined when there is nothing new to report. */
function update(entry: ViewedJob): Observation | undefined {
  const now = statusOf([...entry.pods.values()], entry.object);
  if (!isSame(now, entry.status)) entry.explained = undefined;
  entry.status = now;
  const status = entry.explained ?? now;
  // The deletion of a pod whose ending was reported is our own cleaning up, and no news.
  const text = JSON.stringify(status.kind === 'ended' ? status.ending : status);
  if (text === entry.reported) return undefined;
  entry.reported = text;
  return { job: entry.job, status };
}

function isSame(a: SandboxStatus, b: SandboxStatus): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function jobOf({ metadata }: JobObject): Job {
  return { executionId: metadata.labels[labels.execution] ?? '', jobUid: metadata.uid };
}

/** Undefined for a pod that only wears our labels. */
function jobOfPod(pod: Pod): Job | undefined {
  const { metadata } = pod;
  const jobUid = metadata.labels[controllerUid];
  if (jobUid === undefined || !isOwnedBy(pod, jobUid)) return undefined;
  return { executionId: metadata.labels[labels.execution] ?? '', jobUid };
}
