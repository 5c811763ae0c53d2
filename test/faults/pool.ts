import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Job } from './jobs.ts';
import type { Work } from './work.ts';

const workerFile = new URL('worker.ts', import.meta.url);

/** Things done at a time: `FAULTS_WORKERS`, for a machine that has other things to do; default: one for each core. */
const mostAtATime = Math.max(1, Number(process.env['FAULTS_WORKERS'] ?? availableParallelism()));

/** Does jobs in their order, as many at a time as there may be, and hands each result over as it comes. */
export async function doAll(jobs: Iterable<Job>, done: (work: Work) => void): Promise<void> {
  const workers: Worker[] = [];
  const drive = async (queue: Iterator<Job>) => {
    const worker = new Worker(workerFile);
    workers.push(worker);
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const answered = once(worker, 'message');
      worker.postMessage(next.value);
      const [work]: Work[] = await answered;
      if (work !== undefined) done(work);
    }
  };
  try {
    await drivers(jobs, drive);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Does something with every item, as many at a time as there may be. */
export async function inParallel<T>(items: Iterable<T>, each: (item: T) => Promise<void>): Promise<void> {
  await drivers(items, async (queue) => {
    for (let next = queue.next(); !next.done; next = queue.next()) await each(next.value);
  });
}

/** Several who take from one queue. */
async function drivers<T>(items: Iterable<T>, drive: (queue: Iterator<T>) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  await Promise.all(Array.from({ length: mostAtATime }, () => drive(queue)));
}
