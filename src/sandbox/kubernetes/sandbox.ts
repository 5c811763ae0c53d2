import { namespacePattern } from '../../config.ts';
import { UnavailableError } from '../../errors.ts';
import type { Installation } from '../../store/store.ts';
import { kubernetesApi } from './api.ts';
import { jobSandbox, type KubernetesSandbox } from './job-sandbox.ts';
import { type KubeconfigOptions, loadKubeconfig } from './kubeconfig.ts';
import { preflight } from './preflight.ts';

export interface KubernetesSandboxOptions extends KubeconfigOptions {
  /** Namespace of every object we make; without it the context's, then `default`. */
  readonly namespace?: string | undefined;
  readonly installation: Installation;
}

/**
 * Runs code as gVisor Jobs in one namespace of the cluster that a kubeconfig names. Throws UnavailableError, which
 * names the fix, when the cluster, the namespace, a right or the RuntimeClass is missing.
 */
export async function kubernetesSandbox(options: KubernetesSandboxOptions): Promise<KubernetesSandbox> {
  const { access, namespace: ofContext } = await loadKubeconfig(options);
  const namespace = options.namespace ?? ofContext ?? 'default';
  if (!namespacePattern.test(namespace)) {
    throw new UnavailableError(`"${namespace}" cannot be a namespace: use at most 63 of a-z, 0-9 and "-"`);
  }
  const api = kubernetesApi(access);
  try {
    const namespaceUid = await preflight(api, namespace);
    return jobSandbox({ api, namespace, namespaceUid, installation: options.installation });
  } catch (error) {
    api.close();
    throw error;
  }
}
