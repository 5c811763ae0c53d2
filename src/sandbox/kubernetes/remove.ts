import { setTimeout as sleep } from 'node:timers/promises';
import { jobName } from '../../execution/identity.ts';
import { type Job, NotRemovedError } from '../sandbox.ts';
import type { Namespace } from './namespace.ts';
import type { Pod } from './objects.ts';
import { mayStart, statusOf, wasStarted } from './pod-status.ts';
import { failure, refusalOf } from './refusal.ts';

/** Milliseconds that a removal may take; the kubelet needs two or three seconds to end a running pod. */
const patienceMs = 60_000;
/** Milliseconds between looks: first and longest. */
const pauses = { first: 100, longest: 1000 };

export interface RemoveOptions {
  /** Without it nobody looks at pods, which not every identity that deletes Jobs may do. */
  readonly wait: boolean;
  /** The Job was seen started before, so that its pods need not be asked. */
  readonly knownStarted: boolean;
}

/**
 * Deletes the Job of that uid; gone, or another Job of that name, is success. With `wait` it also waits until its pods
 * are gone, whoever deleted the Job, and throws NotRemovedError when they are not within a minute. Resolves to whether a
 * container of it was seen started; null when nothing of it was there to see, nobody looked, or it may have been between
 * two looks.
 */
export async function removeJob(namespace: Namespace, job: Job, options: RemoveOptions): Promise<boolean | null> {
  const name = jobName(namespace.installationId, job.executionId);
  if (options.wait) return removeAndWait(namespace, name, job.jobUid, options.knownStarted);
  await deleteJob(namespace, name, job.jobUid, 'Background');
  return options.knownStarted || null;
}

async function removeAndWait(
  namespace: Namespace,
  name: string,
  jobUid: string,
  knownStarted: boolean,
): Promise<boolean | null> {
  // Before the delete, since a pod that ended long ago is gone with it.
  const before = knownStarted ? [] : await namespace.podsOf(jobUid);
  const isKnown = knownStarted || before.length > 0 || (await hadNoPod(namespace, name, jobUid));
  let last = before;
  let started = knownStarted || before.some(wasStarted);
  await deleteJob(namespace, name, jobUid, 'Foreground');
  const deadline = Date.now() + patienceMs;
  for (let pause = pauses.first; ; pause = Math.min(pause * 1.2, pauses.longest)) {
    const [pods, current] = await Promise.all([namespace.podsOf(jobUid), namespace.job(name)]);
    const left = [...pods, ...(current?.metadata.uid === jobUid ? [current] : [])];
    if (left.length === 0) return started || (isKnown && !mayHaveStarted(before, last) ? false : null);
    started ||= pods.some(wasStarted);
    if (Date.now() > deadline) throw stillThere(name, left);
    if (pods.length > 0) last = pods;
    await sleep(pause);
  }
}

/** Whether the Job is there, nobody deletes it yet, and no pod of it has come and gone. */
async function hadNoPod(namespace: Namespace, name: string, jobUid: string): Promise<boolean> {
  const job = await namespace.job(name);
  if (job?.metadata.uid !== jobUid || job.metadata.deletionTimestamp !== null) return false;
  return statusOf([], job).kind === 'waiting';
}

/**
 * A pod that ends shows how for some milliseconds only. One that began to go without its image was not started on the
 * way, though the kubelet then says of it what it says of any that is being started.
 */
function mayHaveStarted(before: readonly Pod[], last: readonly Pod[]): boolean {
  return (before.length === 0 || before.some(mayStart)) && last.some(mayStart);
}

function stillThere(job: string, left: readonly Pick<Pod, 'metadata'>[]): NotRemovedError {
  const deletedAt = Math.max(...left.map(({ metadata }) => metadata.deletionTimestamp ?? 0));
  const message = `Job ${job} is still being deleted after ${patienceMs / 1000} s; its node may be lost`;
  return new NotRemovedError(message, deletedAt);
}

async function deleteJob(
  namespace: Namespace,
  name: string,
  uid: string,
  propagationPolicy: 'Foreground' | 'Background',
): Promise<void> {
  const answer = await namespace.api.send({
    method: 'DELETE',
    path: `${namespace.paths.jobs}/${name}`,
    body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid }, propagationPolicy },
  });
  const refusal = refusalOf(answer);
  if (refusal === undefined || refusal.kind === 'absent') return;
  // The precondition failed: the Job of that name is another one. Anything else is worth another try.
  if (refusal.kind === 'conflict' && (await namespace.job(name))?.metadata.uid !== uid) return;
  throw failure(refusal, 'delete the Job');
}
