import type { Bus } from '../bus/bus.ts';
import type { Execution } from '../execution/execution.ts';
import { clocks } from '../execution/limits.ts';
import { apply, type Recorder } from './ports.ts';

/** Tells whether it runs longer than its supervisor would let it; only the sandbox knows whether it still does. */
export function isOverdue(execution: Execution, now: number): boolean {
  if (execution.state !== 'RUNNING') return false;
  // The start is the kubelet's time and this is ours: a clock that is ahead of the kubelet's must not end it early.
  const since = Math.max(execution.startedAt, execution.launchedAt);
  return now > since + (execution.request.timeoutSeconds + clocks.overdueSeconds) * 1000;
}

/**
 * Does for an execution what its clocks ask for, and tells whether they asked for something. One that has a Job may have
 * started or ended without a word of it here, so that `complete` looks before it stops it.
 */
export async function enforceDeadlines(
  ports: Recorder & { readonly bus: Bus },
  execution: Execution,
): Promise<boolean> {
  const { id } = execution;
  const now = ports.clock.now();
  const expired = startExpiry(execution, now);
  if (expired === undefined && !isOverdue(execution, now)) return false;
  if (expired !== undefined && execution.state === 'ACCEPTED') {
    const update = await apply(ports, id, { type: 'startExpired', message: expired });
    if (update?.after.state !== 'LAUNCHING') return true;
  }
  await ports.bus.publish('execution-observed', { executionId: id });
  return true;
}

/** Why it must not start any more; undefined while it may, and once it has. */
export function startExpiry(execution: Execution, now: number): string | undefined {
  if (execution.state !== 'ACCEPTED' && execution.state !== 'LAUNCHING') return undefined;
  const { waiting, acceptedAt, request } = execution;
  if (now > acceptedAt + request.startTimeoutSeconds * 1000) {
    return `it did not start within ${request.startTimeoutSeconds} s`;
  }
  const incurable = waiting !== null && !waiting.curable && now > waiting.since + clocks.incurableSeconds * 1000;
  return incurable ? 'it cannot start' : undefined;
}
