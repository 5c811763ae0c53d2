import type { Bus } from '../bus/bus.ts';
import type { Execution } from '../execution/execution.ts';
import { type ExecutionEvent, transition } from '../execution/transitions.ts';
import type { Sandbox, SandboxFacts, SandboxSpec } from '../sandbox/sandbox.ts';
import type { Store } from '../store/executions.ts';
import type { Parts } from '../store/store.ts';
import { updating } from '../telemetry/metrics.ts';

/** Where the pipeline meets time and chance. */
export interface Clock {
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

/** Everything a use case may touch. */
export interface Ports {
  readonly store: Store;
  readonly bus: Bus;
  readonly sandbox: Sandbox;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Id of this process's lease when executions have owners; null where any process may drive any execution. */
  readonly process: string | null;
}

/** The part of the ports that recording a request needs; the sandbox itself may be out of reach. */
export interface SubmitPorts extends Omit<Ports, 'sandbox'> {
  readonly sandbox: SandboxFacts;
  /** Images that a request may name beside the default ones; absent: any. */
  readonly images?: readonly string[] | undefined;
  /** Hears of an error that the caller must not, since its request is accepted. */
  readonly onError: (error: unknown) => void;
}

/** The part of the ports that changing a record needs. */
export interface Recorder {
  readonly store: Store;
  readonly clock: Pick<Clock, 'now'>;
}

/** Applies an event by compare-and-set; undefined when there is no such execution. */
export async function apply({ store, clock }: Recorder, id: string, event: ExecutionEvent, parts?: Parts) {
  const updated = updating(event.type);
  const update = await store.executions.update(id, (current) => transition(current, event, clock.now()), parts);
  updated(update);
  return update;
}

/** Tells whether this process drives the execution: only who made its Job, or took it over, can say what became of it. */
export function isOurs(
  { sandbox, process }: Pick<Ports, 'sandbox' | 'process'>,
  { target, owner }: Execution,
): boolean {
  return target === sandbox.target && (owner?.process ?? null) === process;
}

export function specOf({ id, request }: Execution): SandboxSpec {
  return { executionId: id, request };
}
