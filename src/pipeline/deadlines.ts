import type { Bus } from '../bus/bus.ts';
import type { Execution, ExecutionIn } from '../execution/execution.ts';
import { clocks } from '../execution/limits.ts';
import { apply, type Recorder } from './ports.ts';

/** Tells whether it runs longer than its supervisor would let it; only the sandbox knows whether it still does. */
export function isOverdue(execution: Execution, now: number): boolean {
  if (execution.state !== 'RUNNING') return false;
  return now > execution.startedAt + (execution.request.timeoutSeconds + clocks.overdueSeconds) * 1000;
}

/** Does for an execution what its clocks ask for, and tells whether they asked for something. */
export async function enforceDeadlines(
  ports: Recorder & { readonly bus: Bus },
  execution: Execution,
): Promise<boolean> {
  const { id } = execution;
  const now = ports.clock.now();
  const isUnstarted = execution.state === 'ACCEPTED' || execution.state === 'LAUNCHING';
  const expired = isUnstarted ? startExpiry(execution, now) : undefined;
  if (expired !== undefined) {
    const update = await apply(ports, id, { type: 'startExpired', message: expired });
    if (update?.after.state !== 'STOPPING') return true;
  } else if (!isOverdue(execution, now)) return false;
  await ports.bus.publish('execution-observed', { executionId: id });
  return true;
}

/** Why it must not start any more; undefined while it may. */
function startExpiry(execution: ExecutionIn<'ACCEPTED' | 'LAUNCHING'>, now: number): string | undefined {
  const { waiting, acceptedAt, request } = execution;
  if (now > acceptedAt + request.startTimeoutSeconds * 1000) {
    return `it did not start within ${request.startTimeoutSeconds} s`;
  }
  const incurable = waiting !== null && !waiting.curable && now > waiting.since + clocks.incurableSeconds * 1000;
  return incurable ? 'it cannot start' : undefined;
}
