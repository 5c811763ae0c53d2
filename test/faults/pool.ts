import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Job } from './jobs.ts';
import type { Work } from './work.ts';

const cores = Math.max(2, Math.min(4, availableParallelism()));
const workerFile = new URL('worker.ts', import.meta.url);

/** Does jobs on every core and hands each result over as it comes; ends when there are no more. */
export async function doAll(jobs: Iterable<Job>, done: (work: Work) => void): Promise<void> {
  const workers = Array.from({ length: cores }, () => new Worker(workerFile));
  const queue = jobs[Symbol.iterator]();
  const drive = async (worker: Worker) => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const answered = once(worker, 'message');
      worker.postMessage(next.value);
      const [work]: Work[] = await answered;
      if (work !== undefined) done(work);
    }
  };
  try {
    await Promise.all(workers.map(drive));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Does something with every item, as many at a time as there are cores. */
export async function inParallel<T>(items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const drive = async () => {
    for (const item of queue) await each(item);
  };
  await Promise.all(Array.from({ length: cores }, drive));
}
