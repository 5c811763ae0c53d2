import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../../errors.ts';
import { base32, jobName } from '../../execution/identity.ts';
import type { Creation, SandboxSpec } from '../sandbox.ts';
import { annotations, jobManifest, labelsOf, specHash } from './job-manifest.ts';
import type { Namespace } from './namespace.ts';
import { type JobObject, jobSchema } from './objects.ts';
import { failure, type Refusal, refusalOf } from './refusal.ts';

/** Bytes of randomness in the name of a ConfigMap; 8 characters of base32. */
const nonceBytes = 5;

/** Two creates that meet at the same quota make one of them conflict; it is repeated after up to this many ms. */
const conflict = { attempts: 5, pauseMs: 100 };

/**
 * Makes the execution's Job, or finds the one that is there. Hands `made` the Job, from which the name of the
 * ConfigMap that starts it can be read.
 */
export async function createJob(
  namespace: Namespace,
  spec: SandboxSpec,
  made: (job: JobObject) => void,
): Promise<Creation> {
  for (let attempt = 1; ; attempt++) {
    const nonce = base32(randomBytes(nonceBytes));
    const body = jobManifest({ installationId: namespace.installationId, spec, nonce });
    const answer = await namespace.api.send({ method: 'POST', path: namespace.paths.jobs, body });
    const refusal = refusalOf(answer);
    if (refusal === undefined) {
      const job = jobSchema.parse(answer.body);
      made(job);
      return { kind: 'created', jobUid: job.metadata.uid };
    }
    if (refusal.kind !== 'conflict' || attempt === conflict.attempts) return refused(namespace, spec, refusal, made);
    await sleep(Math.random() * conflict.pauseMs);
  }
}

async function refused(
  namespace: Namespace,
  spec: SandboxSpec,
  refusal: Refusal,
  made: (job: JobObject) => void,
): Promise<Creation> {
  const { kind, message } = refusal;
  switch (kind) {
    case 'exists':
    case 'quota': {
      // The quota is asked before the name, so a Job that is there already shows as "exceeded quota" too.
      const existing = await namespace.job(jobName(namespace.installationId, spec.executionId));
      if (existing !== undefined) return adopted(namespace, spec, existing, made);
      if (kind === 'quota') return { kind: 'full', message };
      throw new Error('the Job vanished while it was looked at');
    }
    case 'denied':
      return { kind: 'rejected', message };
    case 'absent':
      throw new UnavailableError(
        `cannot create the Job: ${message}; make it with "kubectl create namespace ${namespace.name}"`,
      );
    default:
      throw failure(refusal, 'create the Job');
  }
}

/** A Job of that name is ours only if everything it was made for is the same. */
function adopted(namespace: Namespace, spec: SandboxSpec, job: JobObject, made: (job: JobObject) => void): Creation {
  const { metadata } = job;
  if (metadata.deletionTimestamp !== null) throw new Error(`Job ${metadata.name} is still being deleted`);
  const wanted = Object.entries(labelsOf(namespace.installationId, spec.executionId));
  const ours = wanted.every(([label, value]) => metadata.labels[label] === value);
  if (!ours || metadata.annotations[annotations.specHash] !== specHash(spec)) {
    return { kind: 'rejected', message: `a Job ${metadata.name} exists that was made for another request` };
  }
  made(job);
  return { kind: 'created', jobUid: metadata.uid };
}
