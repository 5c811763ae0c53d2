import type { PodEnding } from '../execution/classify.ts';
import type { ExecutionRequest, Waiting } from '../execution/execution.ts';

/** The one Job of an execution. The uid tells it from any other that ever had its name. */
export interface Job {
  readonly executionId: string;
  readonly jobUid: string;
}

/** What `create` needs to know; the code comes only with `start`. */
export interface SandboxSpec {
  readonly executionId: string;
  readonly request: ExecutionRequest;
}

export type Creation =
  /** The Job exists and is ours, made now or by an earlier call. */
  | { readonly kind: 'created'; readonly jobUid: string }
  /** No room now (ResourceQuota); asking again later may help. */
  | { readonly kind: 'full'; readonly message: string }
  /** Refused for good (schema, admission policy, a foreign Job of that name); no retry helps. */
  | { readonly kind: 'rejected'; readonly message: string };

/** The bytes that go in with the start signal. */
export interface SandboxInput {
  readonly code: Uint8Array;
  readonly stdin: Uint8Array;
  /** Files of the work directory, packed. */
  readonly files: Uint8Array;
}

export type Start =
  | 'started'
  /** The Job of that uid is gone. */
  | 'absent'
  /** `permit` said no; no code was handed over. */
  | 'refused';

export type SandboxStatus =
  | { readonly kind: 'absent' }
  | { readonly kind: 'waiting'; readonly waiting: Omit<Waiting, 'since'> }
  /** `pod` is its name, where there are pods. */
  | { readonly kind: 'running'; readonly startedAt: number; readonly pod?: string }
  | {
      readonly kind: 'ended';
      readonly ending: PodEnding;
      /** The pod was being deleted when it ended, so that its ending may be ours and not the program's. */
      readonly deleting: boolean;
    };

/** Whether a status says only that nothing has happened yet, so that events may know more. */
export function needsExplanation(status: SandboxStatus): boolean {
  return status.kind === 'waiting' && (status.waiting.reason === 'Starting' || status.waiting.reason === 'PodCreation');
}

/** One captured stream: the first bytes exactly, and how many there were. */
export interface CapturedStream {
  readonly bytes: Uint8Array;
  readonly totalBytes: number;
}

export interface SandboxOutput {
  readonly stdout: CapturedStream;
  readonly stderr: CapturedStream;
  /** Files that the request's patterns name, packed; empty until the program has ended. */
  readonly files: Uint8Array;
  /** How many files more there were, over the limits or with a name that is no path of ours. */
  readonly omittedFiles: number;
  /** False when the end of the output was not seen. */
  readonly complete: boolean;
  /** Why it is not, where that is known: half a sentence. */
  readonly incompleteBecause?: string;
  /** Both streams came as one, as standard output: the image has nothing to keep them apart with. */
  readonly merged?: true;
  /** What the supervisor saw of its kernel before any code ran; null when it did not say, or where there is none. */
  readonly kernel: string | null;
  /** The supervisor's last word; advisory. Null when there was none. */
  readonly report: { readonly signal: number | null; readonly durationMs: number; readonly timedOut?: true } | null;
}

export interface Removal {
  /** A container of the Job was seen started, before or while it was removed; null when nothing was left to look at or nobody looked. */
  readonly started: boolean | null;
}

/** What was to be removed is still there, and may still run: its node does not end it, or is lost. */
export class NotRemovedError extends Error {
  /** When its deletion was asked for, by the clock of the place it is in; 0 when that is not known. */
  readonly deletedAt: number;

  constructor(message: string, deletedAt: number) {
    super(message);
    this.deletedAt = deletedAt;
  }
}

export interface Observation {
  readonly job: Job;
  readonly status: SandboxStatus;
}

/** What can be said of a sandbox without asking it; all that recording a request needs. */
export type SandboxFacts = Pick<Sandbox, 'kind' | 'isolation' | 'target' | 'minimumMemoryMiB'>;

/**
 * Where code runs: one Job per execution, from a start signal to an ending that stays readable until `remove`.
 *
 * Every method may be repeated and may run in two processes at once. A throw means "not known, try again";
 * everything that a retry cannot cure is a value. An adapter touches only Jobs of its own installation.
 */
export interface Sandbox {
  readonly kind: 'kubernetes' | 'wasm' | 'memory';
  readonly isolation: 'gvisor' | 'wasm' | 'none';
  /** Names the place; records carry it, and only processes with the same target touch them. */
  readonly target: string;
  /** Lowest `memoryLimitMiB` in which the language's benign programs were measured to run; null where it does not run it. */
  minimumMemoryMiB(language: ExecutionRequest['language']): number | null;
  /** Makes the Job, which waits for its start signal. A Job that is there already is read back and verified. */
  create(spec: SandboxSpec): Promise<Creation>;
  /**
   * Gives the start signal: from here on the code may run, once. Repeating it is harmless. An adapter that controls
   * the moment itself (wasm, memory) asks `permit(startedAt)` right before and hands over no code unless it resolves
   * to true; where the kubelet decides (kubernetes), `permit` is never called.
   */
  start(
    job: Job,
    spec: SandboxSpec,
    input: SandboxInput,
    permit: (startedAt: number) => Promise<boolean>,
  ): Promise<Start>;
  /** Reads what is true now, of the Job of that uid and no other. */
  inspect(job: Job): Promise<SandboxStatus>;
  /** Reads what was printed so far, at most the spec's caps; what cannot be read any more is empty and not `complete`. */
  output(job: Job, spec: SandboxSpec): Promise<SandboxOutput>;
  /**
   * Deletes the Job and all that belongs to it; absent is success. With `wait` it resolves only when nothing of it
   * can run any more, and throws NotRemovedError when that is not so within a minute.
   */
  remove(job: Job, options: { readonly wait: boolean }): Promise<Removal>;
  /** Every Job of this installation that exists, for the sweep. */
  list(): Promise<readonly Job[]>;
  /**
   * Reports changes until `signal` aborts: each Job at least once at the beginning, then what changes; endings are
   * never left out, repetitions are possible. Restarts itself on every error; resolves only after the abort. `onError`
   * hears of an error that lasts, once until something works again, and of each other one that takes its place.
   */
  watch(
    observe: (observation: Observation) => void,
    signal: AbortSignal,
    onError: (error: unknown) => void,
  ): Promise<void>;
}
