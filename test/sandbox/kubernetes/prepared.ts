import { type ClusterSettings, clusterManifests } from '../../../src/sandbox/kubernetes/manifests.ts';
import { applyManifests, kubectl, type Namespace, temporaryNamespace } from '../../cluster.ts';
import { policed } from './policed.ts';

/** A temporary namespace as `cluster apply` makes one, its quota and admission policies in force. */
export async function preparedNamespace(settings: Omit<ClusterSettings, 'namespace'>): Promise<Namespace> {
  await using stack = new AsyncDisposableStack();
  const namespace = stack.use(await temporaryNamespace());
  await applyManifests(await clusterManifests({ ...settings, namespace: namespace.name }));
  const quota = ['wait', '-n', namespace.name, 'quota/executions'];
  await kubectl(...quota, '--for=jsonpath={.status.hard}', '--timeout=30s');
  using _ = await policed(namespace.name);
  stack.move();
  return namespace;
}
