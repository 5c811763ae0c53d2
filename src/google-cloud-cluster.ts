import { GoogleAuth } from 'google-auth-library';
import type { ClusterConfig, GoogleCloudConfig } from './config.ts';
import { commonPorts } from './google-cloud.ts';
import type { Ports } from './pipeline/ports.ts';
import { type Access, type Api, kubernetesApi } from './sandbox/kubernetes/api.ts';
import { gkeAccess } from './sandbox/kubernetes/gke-auth.ts';
import { jobSandbox } from './sandbox/kubernetes/job-sandbox.ts';
import { namespaceUid } from './sandbox/kubernetes/preflight.ts';
import { writeTarget } from './store/firestore/installation.ts';
import { tracedSandbox } from './telemetry/ports.ts';

/** Ports of a function that works in a namespace of a cluster. */
export async function pipelinePorts(config: GoogleCloudConfig, cluster: ClusterConfig): Promise<Ports> {
  return (await connectCluster(config, cluster)).ports;
}

/**
 * Signs in to the cluster, and tells the functions that have none which it is. Apart from `google-cloud.ts`, since those
 * must not have to load this.
 */
export async function connectCluster(
  config: GoogleCloudConfig,
  cluster: ClusterConfig,
  connections: { readonly maxConnections?: number } = {},
): Promise<{ readonly ports: Ports; readonly api: Api; readonly namespace: string }> {
  const api = kubernetesApi(await accessTo(cluster, connections));
  const { namespace } = cluster;
  const [{ ports, firestore, target }, uid] = await Promise.all([commonPorts(config), namespaceUid(api, namespace)]);
  const { installation } = ports.store;
  const sandbox = tracedSandbox(jobSandbox({ api, namespace, namespaceUid: uid, installation }));
  if (target !== sandbox.target) await writeTarget(firestore, sandbox.target);
  return { ports: { ...ports, sandbox }, api, namespace };
}

async function accessTo(
  { endpoint, kubeconfig }: ClusterConfig,
  connections: { readonly maxConnections?: number },
): Promise<Access> {
  if (endpoint !== undefined) {
    const auth = new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' });
    return gkeAccess({ endpoint, auth, ...connections });
  }
  // Loaded on demand: a function at GKE's endpoint never needs it.
  const { loadKubeconfig } = await import('./sandbox/kubernetes/kubeconfig.ts');
  return (await loadKubeconfig({ kubeconfig, ...connections })).access;
}
