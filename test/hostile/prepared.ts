import { clusterManifests } from '../../src/sandbox/kubernetes/manifests.ts';
import { applyManifests, kubectl, type Namespace, temporaryNamespace } from '../cluster.ts';

/** A temporary namespace as `cluster apply` makes one. Nothing here depends on the moment from which its policies are in force. */
export async function preparedNamespace(maxJobs: number): Promise<Namespace> {
  await using stack = new AsyncDisposableStack();
  const namespace = stack.use(await temporaryNamespace());
  await applyManifests(await clusterManifests({ users: {}, maxJobs, namespace: namespace.name }));
  await kubectl('wait', '-n', namespace.name, 'quota/executions', '--for=jsonpath={.status.hard}', '--timeout=30s');
  stack.move();
  return namespace;
}
