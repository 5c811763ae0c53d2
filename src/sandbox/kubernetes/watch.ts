import { setTimeout as sleep } from 'node:timers/promises';
import type { Observation } from '../sandbox.ts';
import { explain } from './explain.ts';
import { type JobView, jobView, type ViewedJob } from './job-view.ts';
import { listWatch, type WatchTiming } from './list-watch.ts';
import type { Namespace } from './namespace.ts';
import { jobSchema, podSchema } from './objects.ts';

export interface WatchOptions {
  readonly namespace: Namespace;
  readonly observe: (observation: Observation) => void;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
  readonly timing?: WatchTiming;
}

/** Milliseconds between looks at what does not move, and how many such Jobs one look asks the events about. */
const stuck = { pauseMs: 5_000, jobs: 20 };

/**
 * Watches Pods, because they show an ending seconds before their Job does, and Jobs for what pods cannot show. Asks
 * the events about what does not move.
 */
export async function watchJobs({ namespace, observe, signal, onError, timing }: WatchOptions): Promise<void> {
  const view = jobView(observe);
  const { api, paths, labelSelector } = namespace;
  const source = { api, labelSelector, ...(timing && { timing }) };
  await Promise.all([
    listWatch({ ...source, path: paths.pods, schema: podSchema }, view.pods, signal, onError),
    listWatch({ ...source, path: paths.jobs, schema: jobSchema }, view.jobs, signal, onError),
    explainStuck(namespace, view, signal),
  ]);
}

async function explainStuck(namespace: Namespace, view: JobView, signal: AbortSignal): Promise<void> {
  let before: readonly ViewedJob[] = [];
  while (!signal.aborted) {
    await sleep(stuck.pauseMs, undefined, { signal }).catch(() => {
      // The abort is the loop's condition.
    });
    const now = view.stuck();
    // Only what was stuck at the last look too: everything is for a moment.
    const still = now.filter((entry) => before.includes(entry));
    const unexplainedFirst = still.sort(
      (a, b) => Number(a.explained !== undefined) - Number(b.explained !== undefined),
    );
    for (const entry of unexplainedFirst.slice(0, stuck.jobs)) {
      if (signal.aborted) return;
      const asked = entry.status;
      await explain(namespace, entry.job, [...entry.pods.values()], asked).then(
        (status) => view.explain(entry, asked, status),
        () => {
          // Events only add words to what is known; the next look asks again.
        },
      );
    }
    before = now;
  }
}
