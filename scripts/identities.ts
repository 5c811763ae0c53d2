import { join } from 'node:path';
import type { Identity } from '../src/sandbox/kubernetes/manifests.ts';

/** What the kubeconfig of each identity's user is called. */
export const kubeconfigNames = {
  launch: 'launcher',
  watch: 'watcher',
  complete: 'completion',
  reconcile: 'reconciler',
  stream: 'stream',
} as const satisfies Record<Identity, string>;

export function kubeconfigIn(directory: string, identity: Identity): string {
  return join(directory, kubeconfigNames[identity]);
}
