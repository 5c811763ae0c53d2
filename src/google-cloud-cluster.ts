import { GoogleAuth } from 'google-auth-library';
import { type ClusterConfig, type Environment, parseClusterConfig, parseGoogleCloudConfig } from './config.ts';
import { commonPorts, googleClients } from './google-cloud.ts';
import { once } from './once.ts';
import type { Ports } from './pipeline/ports.ts';
import { type Access, kubernetesApi } from './sandbox/kubernetes/api.ts';
import { kubernetesTarget } from './sandbox/kubernetes/facts.ts';
import { gkeAccess } from './sandbox/kubernetes/gke-auth.ts';
import { jobSandbox } from './sandbox/kubernetes/job-sandbox.ts';
import { namespaceUid } from './sandbox/kubernetes/preflight.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import { readInstallation, writeTarget } from './store/firestore/installation.ts';
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

/** Signs in to the cluster. Apart from `google-cloud.ts`, since functions that have none must not have to load this. */
export function connectCluster(env: Environment, connections: Connections = {}) {
  const clients = clusterClients(env, connections);
  return once(async () => {
    const { api, namespace, ...google } = await clients();
    const [{ ports }, uid] = await Promise.all([commonPorts(google), namespaceUid(api, namespace)]);
    const { installation } = ports.store;
    const sandbox = tracedSandbox(jobSandbox({ api, namespace, namespaceUid: uid, installation }));
    return { config: google.config, ports: { ...ports, sandbox }, api, namespace };
  });
}

/**
 * Makes what gives the reconciler its ports, for each round anew: the namespace may have been replaced since the last.
 * Each time the functions without a cluster are told which it is; nobody else tells them, so that no instance of an
 * earlier deployment changes it back. While the cluster does not answer, which `onError` hears, the namespace of the
 * round before stands: deadlines are enforced all the same.
 */
export function connectRounds(env: Environment, onError: (error: unknown) => void): () => Promise<Ports> {
  const clients = clusterClients(env, {});
  const common = once(async () => commonPorts(await clients()));
  let known: Sandbox | undefined;
  const look = async (): Promise<Sandbox> => {
    const [{ api, namespace }, { ports }] = await Promise.all([clients(), common()]);
    const uid = await namespaceUid(api, namespace);
    if (known?.target === kubernetesTarget(uid)) return known;
    return tracedSandbox(jobSandbox({ api, namespace, namespaceUid: uid, installation: ports.store.installation }));
  };
  return async () => {
    const before = known;
    const sandbox = await look().catch((error: unknown) => {
      if (before === undefined) throw error;
      onError(error);
      return before;
    });
    known = sandbox;
    const { firestore } = await clients();
    const { target } = await readInstallation(firestore);
    if (target !== sandbox.target) await writeTarget(firestore, sandbox.target);
    return { ...(await common()).ports, sandbox };
  };
}

function clusterClients(env: Environment, connections: Connections) {
  return once(async () => {
    const [config, cluster] = [parseGoogleCloudConfig(env), parseClusterConfig(env)];
    const api = kubernetesApi(await accessTo(cluster, connections));
    return { ...googleClients(config), api, namespace: cluster.namespace };
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
