import type { Job, Removal } from '../sandbox.ts';

interface Known {
  /** Name of the ConfigMap that starts the Job. */
  readonly configMap?: string;
  /** Name of its pod, seen with its container started. */
  readonly startedPod?: string;
  /** It was deleted, which a uid survives as little as it comes back. */
  readonly removed?: Removal;
}

/** What this process has learned of Jobs and need not ask again; it may forget at any time. */
export interface KnownJobs {
  of(job: Job): Known;
  learn(job: Job, known: Known): void;
}

/** Jobs remembered; the oldest goes first. */
const capacity = 5_000;

export function knownJobs(): KnownJobs {
  const jobs = new Map<string, Known>();
  return {
    of: (job) => jobs.get(keyOf(job)) ?? {},
    learn: (job, known) => {
      jobs.set(keyOf(job), { ...jobs.get(keyOf(job)), ...known });
      const [oldest] = jobs.keys();
      if (jobs.size > capacity && oldest !== undefined) jobs.delete(oldest);
    },
  };
}

/** Of both, so that a uid that comes with another execution's id is unknown. */
function keyOf({ executionId, jobUid }: Job): string {
  return `${executionId}/${jobUid}`;
}
