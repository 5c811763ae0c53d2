import type { FinalState, Language } from '../../src/execution/execution.ts';
import type { LimitName } from '../../src/execution/limits.ts';
import type { Threat } from './threats.ts';

export const sandboxNames = ['kubernetes', 'wasm'] as const;
export type SandboxName = (typeof sandboxNames)[number];

/** One program that means harm, or its benign twin, and how it must end wherever it is tried. */
export interface Program {
  readonly threat: Threat;
  readonly name: string;
  readonly language: Language;
  readonly code: string;
  /** Fields of the request beside `defaults`. */
  readonly request?: RequestFields;
  /** A program of the same language that ends well right before, in the same sandbox. */
  readonly before?: string;
  /** By sandbox; where it has no expectation it is not tried. */
  readonly expected: Partial<Readonly<Record<SandboxName, Expected>>>;
}

export type RequestFields = Partial<Readonly<Record<LimitName, number>>> & {
  readonly env?: Readonly<Record<string, string>>;
};

/** Small, so that a limit is reached soon and many fit on one node. */
export const defaults = {
  timeoutSeconds: 10,
  cpuRequestMillicores: 10,
  cpuLimitMillicores: 1000,
  memoryRequestMiB: 16,
  memoryLimitMiB: 128,
} as const satisfies RequestFields;

export interface Expected {
  /** Any of these. */
  readonly endings: readonly Ending[];
  readonly stdout?: Printed;
  readonly stderr?: Printed;
  /** Whether the record may say that all that was printed is known. */
  readonly outputComplete?: boolean;
  /** From the request to its result, the start of the sandbox included. */
  readonly withinSeconds: number;
}

export interface Ending {
  /** `REFUSED`: the request itself, so that nothing is recorded and nothing runs. */
  readonly state: FinalState | 'REFUSED';
  readonly exitCode?: number;
  readonly signal?: number | null;
}

/** All that is given must hold of the bytes that were kept of a stream. */
export interface Printed {
  readonly is?: string | Uint8Array;
  readonly like?: readonly RegExp[];
  readonly unlike?: readonly RegExp[];
  /** How many were kept, and how many were printed at the least. */
  readonly keptBytes?: number;
  readonly leastTotalBytes?: number;
}

/** What a pod costs on a machine with little to spare. */
const startSeconds = 8;

export function within(seconds: number): Pick<Expected, 'withinSeconds'> {
  return { withinSeconds: startSeconds + seconds };
}

export const succeeded: readonly Ending[] = [{ state: 'SUCCEEDED', exitCode: 0 }];
export const timedOut: readonly Ending[] = [{ state: 'TIMED_OUT' }];
/** On a busy node the kubelet may not name the memory that gVisor died of (google/gvisor#2433): only its exit code says it. */
export const memoryLimit: readonly Ending[] = [{ state: 'MEMORY_LIMIT' }, { state: 'KILLED', exitCode: 128 }];
export const failed = (exitCode: number): readonly Ending[] => [{ state: 'FAILED', exitCode, signal: null }];

export function everywhere(expected: Expected): Program['expected'] {
  return { kubernetes: expected, wasm: expected };
}
