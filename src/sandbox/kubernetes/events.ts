import type { SandboxStatus } from '../sandbox.ts';
import type { ClusterEvent } from './objects.ts';

type Waiting = Extract<SandboxStatus, { kind: 'waiting' }>['waiting'];

/** Why nothing moves, from the warnings about a pod or its Job; undefined when they do not say. */
export function waitingFromEvents(events: readonly ClusterEvent[]): Waiting | undefined {
  const newestFirst = [...events].sort((a, b) => (b.lastTimestamp ?? 0) - (a.lastTimestamp ?? 0));
  return newestFirst.map(waitingFromEvent).find((waiting) => waiting !== undefined);
}

function waitingFromEvent({ reason, message }: ClusterEvent): Waiting | undefined {
  switch (reason) {
    case 'FailedCreate':
      return podCreation(message);
    case 'FailedMount':
    case 'FailedAttachVolume':
      return { reason: 'Mount', message, curable: true };
    case 'FailedCreatePodSandBox':
    case 'FailedPodSandBoxStatus':
      // The node has no such runtime: the pod stays on that node, so waiting does not help.
      return { reason: 'Sandbox', message, curable: !/no runtime for|runtime handler|user namespaces/i.test(message) };
    default:
      return undefined;
  }
}

/** A Job whose pods are refused gets no condition, only these events (kubernetes/kubernetes#90124). */
function podCreation(message: string): Waiting {
  if (/exceeded quota|status unknown for quota/i.test(message)) return { reason: 'Quota', message, curable: true };
  const refused =
    /forbidden|denied|invalid|RuntimeClass .*not found/i.test(message) && !/serviceaccount/i.test(message);
  return { reason: 'PodCreation', message, curable: !refused };
}
