import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Container starts on the node, as a count per Job, from containerd's own log: the API server and the kubelet forget some
 * when they are killed. The node's state lies where KUBECONFIG does.
 */
export function startsOnNode(namespace: string): ReadonlyMap<string, number> {
  const file = join(process.env['KUBECONFIG'] ?? '', '../../log/containerd.log');
  if (!existsSync(file)) throw new Error(`the node has no log ${file}`);
  const pods = new Map<string, string>();
  const starts = new Map<string, number>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, pod, sandbox] = sandboxMade.exec(line) ?? [];
    if (pod !== undefined && sandbox !== undefined && line.includes(`Namespace:${namespace},`)) pods.set(sandbox, pod);
    const [, within = '', container] = containerMade.exec(line) ?? [];
    const owner = pods.get(within);
    if (owner !== undefined && container !== undefined) pods.set(container, owner);
    const [, started = ''] = containerStarted.exec(line) ?? [];
    const job = pods.get(started)?.replace(/-[a-z0-9]{5}$/, '');
    if (job !== undefined) starts.set(job, (starts.get(job) ?? 0) + 1);
  }
  return starts;
}

const sandboxMade = /RunPodSandbox for &PodSandboxMetadata\{Name:([^,]+),.*returns sandbox id \\"(\w+)/;
const containerMade = /CreateContainer within sandbox \\"(\w+).*returns container id \\"(\w+)/;
const containerStarted = /StartContainer for \\"(\w+)\\" returns successfully/;
