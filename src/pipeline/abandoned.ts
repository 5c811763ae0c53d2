import type { Bus } from '../bus/bus.ts';
import { type Execution, isFinal } from '../execution/execution.ts';
import { jobDeadlines } from '../execution/job-deadlines.ts';
import { enforceDeadlines } from './deadlines.ts';
import { apply, type Recorder } from './ports.ts';

/**
 * Ends an execution whose target nobody serves any more, once nothing of it can start or run: nobody launches what is
 * accepted, and nobody can be asked about a Job, but its own deadline ends it. What is not known is not called safe to
 * retry.
 */
export async function endAbandoned(ports: Recorder & { readonly bus: Bus }, execution: Execution): Promise<void> {
  if (isFinal(execution)) return;
  if (execution.state === 'ACCEPTED') {
    await enforceDeadlines(ports, execution);
    return;
  }
  const { id, jobUid, launchedAt, request } = execution;
  if (ports.clock.now() <= launchedAt + jobDeadlines(request).job * 1000) return;
  await apply(ports, id, { type: 'lost', jobUid, message: 'nobody serves its target any more' });
  await apply(ports, id, { type: 'removed', jobUid, started: null });
}
