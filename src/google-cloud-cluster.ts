import { GoogleAuth } from 'google-auth-library';
import { type ClusterConfig, type Environment, parseClusterConfig, parseGoogleCloudConfig } from './config.ts';
import { commonPorts, googleClients } from './google-cloud.ts';
import { once } from './once.ts';
import type { Ports } from './pipeline/ports.ts';
import { type Access, kubernetesApi } from './sandbox/kubernetes/api.ts';
import { gkeAccess } from './sandbox/kubernetes/gke-auth.ts';
import { jobSandbox } from './sandbox/kubernetes/job-sandbox.ts';
import { namespaceUid } from './sandbox/kubernetes/preflight.ts';
import { writeTarget } from './store/firestore/installation.ts';
import { tracedSandbox } from './telemetry/ports.ts';

interface Connections {
  /** To the cluster at a time, for which requests wait; default: 50. */
  readonly maxConnections?: number;
}

/** Ports of a function that works in a namespace of a cluster, made when they are first wanted. */
export function pipelinePorts(env: Environment): () => Promise<Ports> {
  const connected = connectCluster(env);
  return async () => (await connected()).ports;
}

/**
 * Signs in to the cluster, and tells the functions that have none which it is. Apart from `google-cloud.ts`, since those
 * must not have to load this.
 */
export function connectCluster(env: Environment, connections: Connections = {}) {
  const clients = once(async () => {
    const [config, cluster] = [parseGoogleCloudConfig(env), parseClusterConfig(env)];
    const api = kubernetesApi(await accessTo(cluster, connections));
    return { ...googleClients(config), api, namespace: cluster.namespace };
  });
  return once(async () => {
    const { api, namespace, ...google } = await clients();
    const [{ ports, target }, uid] = await Promise.all([commonPorts(google), namespaceUid(api, namespace)]);
    const { installation } = ports.store;
    const sandbox = tracedSandbox(jobSandbox({ api, namespace, namespaceUid: uid, installation }));
    if (target !== sandbox.target) await writeTarget(google.firestore, sandbox.target);
    return { config: google.config, ports: { ...ports, sandbox }, api, namespace };
  });
}

async function accessTo({ endpoint, kubeconfig }: ClusterConfig, connections: Connections): Promise<Access> {
  if (endpoint !== undefined) {
    const auth = new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' });
    return gkeAccess({ endpoint, auth, ...connections });
  }
  // Loaded on demand: a function at GKE's endpoint never needs it.
  const { loadKubeconfig } = await import('./sandbox/kubernetes/kubeconfig.ts');
  return (await loadKubeconfig({ kubeconfig, ...connections })).access;
}
