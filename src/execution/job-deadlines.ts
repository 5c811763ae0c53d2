import type { ExecutionRequest } from './execution.ts';
import { clocks } from './limits.ts';

/**
 * Seconds after which the cluster itself ends pod and Job: backstops for when no process of ours is left; the supervisor
 * and the watcher are earlier. The pod's clock runs from the kubelet's acknowledgement, so it includes the wait for image
 * and start signal; the Job's also that for a node.
 */
export function jobDeadlines({
  timeoutSeconds,
  startTimeoutSeconds,
}: Pick<ExecutionRequest, 'timeoutSeconds' | 'startTimeoutSeconds'>): { readonly pod: number; readonly job: number } {
  const pod = startTimeoutSeconds + timeoutSeconds + clocks.overdueSeconds + clocks.podSeconds;
  return { pod, job: startTimeoutSeconds + pod + clocks.jobSeconds };
}
