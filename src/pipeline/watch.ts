import type { Observation } from '../sandbox/sandbox.ts';
import { noteProgress } from './note.ts';
import type { Ports } from './ports.ts';

/**
 * Relays what the sandbox shows until `signal` aborts: writes RUNNING and waiting itself, publishes endings. A lost
 * observation costs time, never truth: the reconciler looks again.
 */
export async function watch(ports: Ports, signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
  const pending = new Set<Promise<void>>();
  const observe = (observation: Observation) => {
    // Whoever waits for the end of this would not wait for it.
    if (signal.aborted) return;
    const passed = pass(ports, observation)
      .catch(onError)
      .finally(() => pending.delete(passed));
    pending.add(passed);
  };
  await ports.sandbox.watch(observe, signal, onError);
  await Promise.all(pending);
}

async function pass(ports: Ports, { job, status }: Observation): Promise<void> {
  if (await noteProgress(ports, job, status)) return;
  await ports.bus.publish('execution-observed', { executionId: job.executionId });
}
