import type { Bus } from '../bus/bus.ts';
import type { Execution } from '../execution/execution.ts';
import { withinTraceOf } from '../telemetry/trace.ts';
import { apply, type Recorder } from './ports.ts';

/** Asks an execution to stop and returns it as it is now; a final one is left as it ended. Undefined when unknown. */
export async function cancel(
  ports: Recorder & { readonly bus: Bus },
  executionId: string,
): Promise<Execution | undefined> {
  const update = await apply(ports, executionId, { type: 'cancelRequested' });
  if (update?.after.state === 'STOPPING') {
    await withinTraceOf(update.after, () => ports.bus.publish('execution-observed', { executionId }));
  }
  return update?.after;
}
