import { GoogleAuth } from 'google-auth-library';
import type { ClusterConfig, GoogleCloudConfig } from './config.ts';
import { commonPorts } from './google-cloud.ts';
import type { Ports } from './pipeline/ports.ts';
import { type Access, type Api, kubernetesApi } from './sandbox/kubernetes/api.ts';
import { kubernetesTarget } from './sandbox/kubernetes/facts.ts';
import { gkeAccess } from './sandbox/kubernetes/gke-auth.ts';
import { jobSandbox } from './sandbox/kubernetes/job-sandbox.ts';
import { namespaceUid } from './sandbox/kubernetes/preflight.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import { readInstallation, writeTarget } from './store/firestore/installation.ts';
import { tracedSandbox } from './telemetry/ports.ts';

/** Ports of a function that works in a namespace of a cluster. */
export async function pipelinePorts(config: GoogleCloudConfig, cluster: ClusterConfig): Promise<Ports> {
  return (await connectCluster(config, cluster)).ports;
}

/** Signs in to the cluster. Apart from `google-cloud.ts`, since functions that have none must not have to load this. */
export async function connectCluster(
  config: GoogleCloudConfig,
  cluster: ClusterConfig,
): Promise<{ readonly ports: Ports; readonly api: Api; readonly namespace: string }> {
  const api = kubernetesApi(await accessTo(cluster));
  const { namespace } = cluster;
  const [{ ports }, uid] = await Promise.all([commonPorts(config), namespaceUid(api, namespace)]);
  const { installation } = ports.store;
  const sandbox = tracedSandbox(jobSandbox({ api, namespace, namespaceUid: uid, installation }));
  return { ports: { ...ports, sandbox }, api, namespace };
}

/**
 * Signs in to the cluster, and makes what gives the reconciler its ports, for each round anew: the namespace may have
 * been replaced since the last. Each time the functions without a cluster are told which it is; nobody else tells them,
 * so that no instance of an earlier deployment changes it back. While the cluster does not answer, which `onError` hears,
 * the namespace of the round before stands: deadlines are enforced all the same.
 */
export async function connectRounds(
  config: GoogleCloudConfig,
  cluster: ClusterConfig,
  onError: (error: unknown) => void,
): Promise<() => Promise<Ports>> {
  const api = kubernetesApi(await accessTo(cluster));
  const { namespace } = cluster;
  const { ports, firestore } = await commonPorts(config);
  const { installation } = ports.store;
  let known: Sandbox | undefined;
  const look = async (): Promise<Sandbox> => {
    const uid = await namespaceUid(api, namespace);
    if (known?.target === kubernetesTarget(uid)) return known;
    return tracedSandbox(jobSandbox({ api, namespace, namespaceUid: uid, installation }));
  };
  return async () => {
    const before = known;
    const sandbox = await look().catch((error: unknown) => {
      if (before === undefined) throw error;
      onError(error);
      return before;
    });
    known = sandbox;
    const { target } = await readInstallation(firestore);
    if (target !== sandbox.target) await writeTarget(firestore, sandbox.target);
    return { ...ports, sandbox };
  };
}

async function accessTo({ endpoint, kubeconfig }: ClusterConfig): Promise<Access> {
  if (endpoint !== undefined) {
    const auth = new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' });
    return gkeAccess({ endpoint, auth });
  }
  // Loaded on demand: a function at GKE's endpoint never needs it.
  const { loadKubeconfig } = await import('./sandbox/kubernetes/kubeconfig.ts');
  return (await loadKubeconfig({ kubeconfig })).access;
}
