import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespace } from '../cluster.ts';
import { type NodeProcesses, ownChildren } from './node-processes.ts';

/** Deleting goes on in the background for a moment after a result is there. */
const patienceMs = 20_000;
const pollMs = 500;

async function whatStays(look: () => Promise<readonly string[]> | readonly string[]): Promise<readonly string[]> {
  let things = await look();
  for (let waited = 0; things.length > 0 && waited < patienceMs; waited += pollMs) {
    await sleep(pollMs);
    things = await look();
  }
  return things;
}

export async function leftObjects(namespace: Namespace): Promise<readonly string[]> {
  const objects = await whatStays(() => namespace.objects());
  return objects.map((object) => `${object} in ${namespace.name}`);
}

/** Where the node is another machine nothing can be said of its processes, which is said. */
export async function leftOnNode(node: NodeProcesses, print: (line: string) => void): Promise<readonly string[]> {
  if (node.seenPods() === 0) {
    print('NOT CHECKED: processes of the node: it is not this machine');
    return [];
  }
  print(`processes and mounts of ${node.seenPods()} pods were looked for on their node`);
  return whatStays(() => node.left());
}

export function leftChildren(): Promise<readonly string[]> {
  return whatStays(ownChildren);
}
