import { jobName } from '../../execution/identity.ts';
import { supervisorOf } from '../../supervisor/source.ts';
import type { Job, SandboxInput, SandboxSpec, Start } from '../sandbox.ts';
import { configMapManifest } from './config-map.ts';
import type { Namespace } from './namespace.ts';
import { type JobObject, objectSchema } from './objects.ts';
import { bodyOf, failure, refusalOf } from './refusal.ts';

/** The ConfigMap that the Job's pod waits for; undefined when it mounts none. */
export function awaitedConfigMap({ spec }: JobObject): string | undefined {
  const volumes = spec.template.spec.volumes.map(({ configMap }) => configMap?.name);
  return volumes.find((name) => name !== undefined);
}

/**
 * Creates the ConfigMap that the Job's pod waits for. `known` is its name, when this process made or adopted that very
 * Job; else it is read from the Job. A Job that vanishes meanwhile takes the ConfigMap with it.
 */
export async function startJob(
  namespace: Namespace,
  job: Job,
  spec: SandboxSpec,
  input: SandboxInput,
  known: string | undefined,
): Promise<Start> {
  const name = known ?? (await nameFromJob(namespace, job));
  if (name === undefined) return 'absent';
  const owner = { name: jobName(namespace.installationId, job.executionId), uid: job.jobUid };
  const supervisor = await supervisorOf(spec.request.language);
  const { installationId } = namespace;
  const body = configMapManifest({ installationId, owner, name, spec, input, supervisor });
  const answer = await namespace.api.send({ method: 'POST', path: namespace.paths.configMaps, body });
  const refusal = refusalOf(answer);
  switch (refusal?.kind) {
    case undefined:
      return 'started';
    case 'exists':
      return existing(namespace, job, name);
    case 'absent':
      // The namespace is gone, and with it the Job.
      return 'absent';
    default:
      throw failure(refusal ?? { kind: 'transient', message: '' }, 'create the ConfigMap');
  }
}

async function nameFromJob(namespace: Namespace, { executionId, jobUid }: Job): Promise<string | undefined> {
  const job = await namespace.job(jobName(namespace.installationId, executionId));
  if (job?.metadata.uid !== jobUid || job.metadata.deletionTimestamp !== null) return undefined;
  return awaitedConfigMap(job);
}

/** A ConfigMap of that name starts the Job only if it was made for it. */
async function existing(namespace: Namespace, job: Job, name: string): Promise<Start> {
  const path = `${namespace.paths.configMaps}/${name}`;
  const answer = await namespace.api.send({ method: 'GET', path });
  if (refusalOf(answer)?.kind === 'absent') throw new Error('the ConfigMap vanished while it was looked at');
  const { metadata } = objectSchema.parse(bodyOf(answer, 'read the ConfigMap'));
  if (metadata.ownerReferences.some(({ uid }) => uid === job.jobUid)) return 'started';
  if ((await nameFromJob(namespace, job)) === undefined) return 'absent';
  throw new Error(`a ConfigMap ${name} exists that is not of this Job; delete it`);
}
