import type { Job } from '../sandbox.ts';
import type { ClusterApi, Listing } from './api.ts';
import type { Clock } from './clock.ts';
import type { JobObject, ObjectChange, PodObject } from './objects.ts';

/** One installation's Jobs and pods as last heard of, by uid. */
export interface View {
  readonly jobs: Map<string, JobObject>;
  readonly pods: Map<string, PodObject>;
}

export interface Mirror {
  readonly api: ClusterApi;
  readonly clock: Clock;
  readonly installation: string;
  readonly signal: AbortSignal;
  /** Called after something of that Job changed; `gap` when changes before it may have been missed. */
  readonly notice: (job: Job, view: View, gap: boolean) => void;
  /** The list to begin with, so that no change since then is missed. Default: a new one. */
  readonly first?: Listing;
}

const retryMs = 50;

/** Keeps a view by list and watch until the abort: resumes a cut stream, lists anew after 410 and every error. */
export async function mirror(options: Mirror): Promise<void> {
  const { api, installation, signal } = options;
  const view: View = { jobs: new Map(), pods: new Map() };
  let { first } = options;
  let gap = false;
  while (!signal.aborted) {
    try {
      const listing = first ?? (await api.list(installation));
      first = undefined;
      replace(options, view, listing, gap);
      gap = true;
      await follow(options, view, listing.version);
    } catch {
      // Whatever it was, the next list tells the truth again.
    }
    if (!signal.aborted) await pause(options.clock, retryMs);
  }
}

function replace({ notice }: Mirror, view: View, { jobs, pods }: Listing, gap: boolean): void {
  const changed = [...allIn(view), ...jobs.map(jobOf), ...pods.map(jobOf)];
  view.jobs.clear();
  view.pods.clear();
  for (const job of jobs) view.jobs.set(job.uid, job);
  for (const pod of pods) view.pods.set(pod.uid, pod);
  for (const job of new Map(changed.map((of) => [of.jobUid, of])).values()) notice(job, view, gap);
}

function allIn(view: View): Job[] {
  return [...[...view.jobs.values()].map(jobOf), ...[...view.pods.values()].map(jobOf)];
}

/** The Job that an object is, or belongs to. */
export function jobOf(object: JobObject | PodObject): Job {
  return { executionId: object.executionId, jobUid: 'jobUid' in object ? object.jobUid : object.uid };
}

async function follow({ api, installation, signal, notice }: Mirror, view: View, version: number): Promise<void> {
  let from = version;
  const onChange = (change: ObjectChange) => {
    from = change.version;
    if (change.kind === 'ConfigMap') return;
    apply(view, change);
    notice(jobOf(change.object), view, false);
  };
  let why = await api.watch({ installation, from, signal, onChange });
  while (why === 'cut') why = await api.watch({ installation, from, signal, onChange });
}

function apply(view: View, change: Exclude<ObjectChange, { kind: 'ConfigMap' }>): void {
  if (change.kind === 'Job') {
    if (change.type === 'deleted') view.jobs.delete(change.object.uid);
    else view.jobs.set(change.object.uid, change.object);
  } else if (change.type === 'deleted') view.pods.delete(change.object.uid);
  else view.pods.set(change.object.uid, change.object);
}

export function podsIn(view: View, jobUid: string): PodObject[] {
  return [...view.pods.values()].filter((pod) => pod.jobUid === jobUid);
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimeout(resolve, ms);
  });
}
