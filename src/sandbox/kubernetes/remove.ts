import { setTimeout as sleep } from 'node:timers/promises';
import { jobName } from '../../execution/identity.ts';
import { type Job, NotRemovedError } from '../sandbox.ts';
import type { Namespace } from './namespace.ts';
import { wasStarted } from './pod-status.ts';
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
 * are gone, whoever deleted the Job, and throws NotRemovedError when they are not within a minute. Resolves to whether a container of
 * it was seen started, null when nothing of it was there to see or nobody looked.
 */
export async function removeJob(namespace: Namespace, job: Job, options: RemoveOptions): Promise<boolean | null> {
  const name = jobName(namespace.installationId, job.executionId);
  if (!options.wait) {
    await deleteJob(namespace, name, job.jobUid, 'Background');
    return options.knownStarted || null;
  }
  // Before the delete, since a pod that ended long ago is gone with it.
  const before = options.knownStarted ? [] : await namespace.podsOf(job.jobUid);
  const deleted = await deleteJob(namespace, name, job.jobUid, 'Foreground');
  let started = options.knownStarted || before.some(wasStarted) || (deleted || before.length > 0 ? false : null);
  const deadline = Date.now() + patienceMs;
  for (let pause = pauses.first; ; pause = Math.min(pause * 1.2, pauses.longest)) {
    const [pods, current] = await Promise.all([namespace.podsOf(job.jobUid), namespace.job(name)]);
    if (pods.length > 0) started = started || pods.some(wasStarted);
    if (pods.length === 0 && current?.metadata.uid !== job.jobUid) return started;
    if (Date.now() > deadline) {
      throw new NotRemovedError(
        `Job ${name} is still being deleted after ${patienceMs / 1000} s; its node may be lost`,
      );
    }
    await sleep(pause);
  }
}

/** Tells whether the Job was there to be deleted. */
async function deleteJob(
  namespace: Namespace,
  name: string,
  uid: string,
  propagationPolicy: 'Foreground' | 'Background',
): Promise<boolean> {
  const answer = await namespace.api.send({
    method: 'DELETE',
    path: `${namespace.paths.jobs}/${name}`,
    body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid }, propagationPolicy },
  });
  const refusal = refusalOf(answer);
  if (refusal === undefined) return true;
  if (refusal.kind === 'absent') return false;
  // The precondition failed: the Job of that name is another one. Anything else is worth another try.
  if (refusal.kind === 'conflict' && (await namespace.job(name))?.metadata.uid !== uid) return false;
  throw failure(refusal, 'delete the Job');
}
