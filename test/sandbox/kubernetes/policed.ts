import { expect, vi } from 'vitest';
import { z } from 'zod';
import { type Access, type Answer, type Api, kubernetesApi } from '../../../src/sandbox/kubernetes/api.ts';
import { configMapManifest } from '../../../src/sandbox/kubernetes/config-map.ts';
import { jobManifest } from '../../../src/sandbox/kubernetes/job-manifest.ts';
import { loadKubeconfig } from '../../../src/sandbox/kubernetes/kubeconfig.ts';
import { refusalOf } from '../../../src/sandbox/kubernetes/refusal.ts';
import { type Change, changed } from './changed.ts';
import { executionId, installationId, name, spec } from './specs.ts';

const nonce = 'abcdefgh';

/** What our launcher makes, and the Pod that the Job controller makes of it. */
export const job = jobManifest({ installationId, spec: spec(), nonce });
const owner = { apiVersion: 'batch/v1', kind: 'Job', name, uid: executionId };
export const pod = changed(
  job.spec?.template,
  ['apiVersion', 'v1'],
  ['kind', 'Pod'],
  ['metadata name', `${name}-abcde`],
  ['metadata ownerReferences', [{ ...owner, controller: true, blockOwnerDeletion: true }]],
);
export const configMap = configMapManifest({
  installationId,
  owner: { name, uid: executionId },
  name: `${name}-${nonce}`,
  spec: spec(),
  input: { code: Buffer.from('print()'), stdin: new Uint8Array() },
  supervisor: Buffer.from('supervisor'),
});

export type Kind = 'Job' | 'Pod' | 'ConfigMap';
const ours = { Job: job, Pod: pod, ConfigMap: configMap } as const satisfies Record<Kind, unknown>;

const jobController = 'system:serviceaccount:kube-system:job-controller';

export interface PolicedNamespace extends Disposable {
  /** The administrator's. */
  readonly api: Api;
  /** Asks the API server, in a dry run, for our object with some changes; undefined is a yes. A Pod comes from the Job controller. */
  refusal(kind: Kind, ...changes: readonly Change[]): Promise<string | undefined>;
  /** The same for a user who is not the one that usually makes it. */
  refusalBy(user: string | undefined, kind: Kind, ...changes: readonly Change[]): Promise<string | undefined>;
}

/** Waits until the API server judges by the policies of a namespace, of which it hears a moment after they were applied. */
export async function policed(namespace: string): Promise<PolicedNamespace> {
  const { access } = await loadKubeconfig({});
  const api = kubernetesApi(access);
  const refusalBy: PolicedNamespace['refusalBy'] = async (user, kind, ...changes) => {
    const path =
      kind === 'Job'
        ? `/apis/batch/v1/namespaces/${namespace}/jobs`
        : `/api/v1/namespaces/${namespace}/${kind.toLowerCase()}s`;
    const asked = user === undefined ? api : kubernetesApi(as(user, access));
    const body = changed(ours[kind], ...changes);
    return messageOf(await asked.send({ method: 'POST', path, query: { dryRun: 'All' }, body }));
  };
  const refusal: PolicedNamespace['refusal'] = (kind, ...changes) =>
    refusalBy(kind === 'Pod' ? jobController : undefined, kind, ...changes);
  const answers = async () => [
    await refusal('Job'),
    await refusal('Job', ['spec backoffLimit', 1]),
    await refusal('Job', ['spec template spec hostPID', true]),
    await refusal('ConfigMap', ['immutable', false]),
    await refusalBy(undefined, 'Pod'),
  ];
  const refused = expect.stringContaining('ValidatingAdmissionPolicy');
  await vi.waitFor(async () => expect(await answers()).toEqual([undefined, refused, refused, refused, refused]), {
    timeout: 30_000,
    interval: 100,
  });
  return { api, refusal, refusalBy, [Symbol.dispose]: () => api.close() };
}

export function messageOf(answer: Answer): string | undefined {
  return refusalOf(answer)?.message;
}

/** Acts as another user, as the administrator may. */
function as(user: string, access: Access): Access {
  return {
    ...access,
    credentials: async () => {
      const { agent, headers } = await access.credentials();
      return { agent, headers: { ...headers, 'Impersonate-User': user } };
    },
  };
}

const ruleSchema = z.object({
  kind: z.string(),
  spec: z.object({ validations: z.array(z.object({ message: z.string() })) }),
});

/** Messages of all rules among manifests. */
export function rulesOf(manifests: readonly object[]): readonly string[] {
  return manifests
    .flatMap((manifest) => ruleSchema.safeParse(manifest).data?.spec.validations ?? [])
    .map(({ message }) => message);
}
