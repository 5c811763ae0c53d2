import type { FinalState, State } from '../../src/execution/execution.ts';
import type { MemoryCluster } from '../../src/sandbox/memory/cluster.ts';
import type { Disruption } from '../../src/sandbox/memory/disruption.ts';
import type { Step } from '../../src/sandbox/memory/state.ts';
import type { DeploymentName } from './deployment.ts';
import type { ProgramName } from './programs.ts';

/** One request that a client makes until it is answered. */
export interface Order {
  /** Tells it from others; two orders of one name and caller are the same request made twice. */
  readonly name: string;
  readonly program: ProgramName;
  /** Milliseconds after the beginning. Default: 0. */
  readonly atMs?: number;
  /** Which store it goes to. Default: 0. */
  readonly site?: number;
  readonly caller?: string;
  /** Default: its name. */
  readonly key?: string;
}

/** What a scenario may look at to find its moment. */
export interface View {
  state(name: string): State | undefined;
  /** Uid of the newest Job of an order, however it was made. */
  job(name: string): string | undefined;
  hasPod(name: string): boolean;
  starts(name: string): number;
  stops(name: string): number;
}

/** What happens from outside. */
export interface Hands {
  readonly cluster: MemoryCluster;
  later(ms: number, act: () => void): void;
  cancel(name: string): void;
  disrupt(name: string, how: Disruption): void;
  /** Remembers a deed that explains an ending. */
  did(name: string, deed: Deed): void;
  /** Deletes the Job as `kubectl delete --cascade=foreground` does. */
  deleteInForeground(name: string): void;
  /** Puts a Job of somebody else where the order's would be. */
  squat(name: string): void;
  /** Deletes the order's Job, and a launcher that looked before makes it anew. */
  replace(name: string): void;
  /** Runs a copy of the order's Job under another name, with our labels, for a while. */
  impersonate(name: string): Promise<void>;
  /** Says everything about the order's execution that there is to say, of a Job that is not its own. */
  rumour(name: string): Promise<void>;
}

export type Deed = Disruption | 'cancelled' | 'held' | 'refused' | 'crashed';

export interface Happening {
  /** True at the moment from which it counts. */
  readonly when: (view: View) => boolean;
  readonly afterMs?: number;
  readonly act: (hands: Hands) => void | Promise<void>;
}

/** A story that faults are put into: what is asked for, and what happens to it from outside. */
export interface Scenario {
  readonly orders: readonly Order[];
  /** States in which its executions may end, whatever faults there are. */
  readonly ends: readonly FinalState[];
  readonly happenings?: readonly Happening[];
  readonly quota?: number;
  /** Embedded processes that live at the same time. Default: 1. */
  readonly processes?: number;
  /** Milliseconds of a step of the cluster. Default: the model's own. */
  readonly delay?: (step: Step) => number;
  /** Milliseconds that a call takes. Default: 1. */
  readonly latency?: (point: string) => number;
  /** Default: all. */
  readonly deployments?: readonly DeploymentName[];
  /** Without faults, a result is stored this soon after its program ended, and a free slot is used as soon. Milliseconds. */
  readonly promptMs?: number;
  /** Without faults, it is final this soon after it was accepted. Milliseconds. */
  readonly finalMs?: number;
  /** Without faults, what it printed before it was stopped is stored. */
  readonly keepsOutput?: boolean;
  /** Executions are final this long after the last fault. Default: 300,000. Milliseconds. */
  readonly boundMs?: number;
}
