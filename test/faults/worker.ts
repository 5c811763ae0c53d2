import { parentPort } from 'node:worker_threads';
import type { Job } from './jobs.ts';
import { work } from './work.ts';

/** One core's worth of the suite: a job comes in, its result goes out. */
parentPort?.on('message', async (job: Job) => {
  parentPort?.postMessage(await work(job, { mostFailures: 2, shrinks: true, share: 1 }));
});
