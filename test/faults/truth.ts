import type { ClusterEvent } from '../../src/sandbox/memory/state.ts';
import { behaviourOf, codeOf, logFileBytes, submissionOf } from './programs.ts';
import type { Order } from './scenario.ts';

/** The client that is none of ours: what it makes looks like our Jobs and is not. */
export const stranger = 'somebody';

/** A launcher that looked long ago and makes a Job now. */
export const lateLauncher = 'late-launcher';

/** What the cluster really did for one execution, whoever was told. */
export interface Truth {
  readonly jobs: readonly ClusterEvent[];
  readonly signals: readonly ClusterEvent[];
  readonly starts: readonly ClusterEvent[];
  readonly stops: readonly ClusterEvent[];
}

export function truthOf(history: readonly ClusterEvent[], installation: string, executionId: string): Truth {
  const foreign = new Set(history.filter(({ client }) => client === stranger).map(({ jobUid }) => jobUid));
  const own = history.filter(
    (event) => event.executionId === executionId && event.installation === installation && !foreign.has(event.jobUid),
  );
  const of = (type: ClusterEvent['type']) => own.filter((event) => event.type === type);
  return { jobs: of('jobCreated'), signals: of('signalled'), starts: of('started'), stops: of('stopped') };
}

/** What a program does when nobody interferes. */
export interface Story {
  /** Milliseconds until it ends of its own accord or by its supervisor; null when neither ends it. */
  readonly endsAfterMs: number | null;
  readonly exitCode: number;
  readonly signal: number | null;
  readonly timedOut: boolean;
  readonly outOfMemory: boolean;
  readonly killed: boolean;
  /** Its log is rotated away, and with it what it printed. */
  readonly rotated: boolean;
  /** Everything it would print, cut where the request says. */
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

export function storyOf({ program, name }: Order): Story {
  const { request } = submissionOf(program, name);
  const behaviour = behaviourOf(codeOf(program, name));
  const { durationMs = 0, exitCode = 0, signal = null, memoryMiB = 0, killsSupervisor = false } = behaviour;
  const { freezesSupervisor = false, rawLogBytes = 0 } = behaviour;
  const limitMs = request.timeoutSeconds * 1000;
  const runsMs = durationMs === 'forever' ? Number.POSITIVE_INFINITY : durationMs;
  const overLimit = runsMs >= limitMs;
  const stdout = [behaviour.stdout ?? '', ...(behaviour.writes ?? []).map(({ bytes }) => bytes)];
  return {
    endsAfterMs: overLimit ? (freezesSupervisor ? null : limitMs) : runsMs,
    exitCode: signal === null ? exitCode : 128 + signal,
    signal,
    timedOut: overLimit,
    outOfMemory: memoryMiB > request.memoryLimitMiB,
    killed: killsSupervisor,
    rotated: rawLogBytes > logFileBytes,
    stdout: joined(stdout).subarray(0, request.maxStdoutBytes),
    stderr: joined([behaviour.stderr ?? '']).subarray(0, request.maxStderrBytes),
  };
}

function joined(parts: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}
