import { z } from 'zod';
import type { FinalState } from './execution.ts';

/** How a pod ended, raw, as the kubelet and the API server wrote it. */
export const podEndingSchema = z.object({
  /** `status.reason` of the pod, for example `Evicted`; empty when there is none. */
  podReason: z.string(),
  podMessage: z.string(),
  /** Reason of the pod's `DisruptionTarget` condition; empty when there is none. */
  disruption: z.string(),
  container: z
    .object({
      exitCode: z.int(),
      reason: z.string(),
      message: z.string(),
      startedAt: z.int().nullable(),
      finishedAt: z.int().nullable(),
    })
    .nullable(),
  /**
   * `Complete` or the reason of the Job's `Failed` condition, set when no pod is left to ask; `DeadlineExceeded` also
   * beside the pod that this deadline of the Job deleted.
   */
  jobReason: z.string(),
});
export type PodEnding = Readonly<z.infer<typeof podEndingSchema>>;

/** What we say about an ending. */
export interface Verdict {
  readonly state: FinalState;
  readonly fault: 'program' | 'limit' | 'platform' | null;
  readonly started: boolean;
  readonly retrySafe: boolean;
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly reason: string;
  readonly message: string;
}

/** What the record knows beside the ending itself. */
export interface EndingContext {
  readonly timeoutSeconds: number;
  /** The record says that the container had started. */
  readonly started: boolean;
  /** The supervisor's last word, null when it did not get to speak; a hint only, since the program can forge it. */
  readonly report: { readonly signal: number | null; readonly timedOut?: true } | null;
  /** What the supervisor saw of its kernel before any code ran; null when it did not say. */
  readonly kernel?: string | null;
  /** A module that the program wanted and its image lacks, as its last words say. */
  readonly missingModule?: string | null;
}

/** How the name of a kernel begins on which a supervisor runs code. */
export const requiredKernel = 'gVisor';
/** The code a supervisor exits with when it could not run the program. */
const brokenExitCode = 125;
/** The code a supervisor exits with after it killed the program at its time limit, as timeout(1) does. */
export const timeoutExitCode = 124;

/**
 * Says what an ending means. A terminated pod decides alone: disruption, then the pod's reason, then the container's
 * reason, then exit code and clocks; the Job's conditions count only when no pod is left, or one that the Job's own
 * deadline deleted. Order after Tekton's and Argo's; success is never inferred from the absence of failure.
 */
export function classify(ending: PodEnding, context: EndingContext): Verdict {
  const { container } = ending;
  const started = context.started || mayHaveStarted(container);
  if (ending.disruption !== '') return interrupted(ending.disruption, ending.podMessage, started);
  if (ending.podReason !== '') return classifyPodReason(ending, started);
  if (container !== null && ending.jobReason !== jobDeadline) return classifyContainer(container, context, started);
  // With no pod to ask, or one that says nothing, nobody knows that no code ran.
  return { ...classifyByJob(ending.jobReason, started), retrySafe: false };
}

/** Reason of the `Failed` condition of a Job that reached its `activeDeadlineSeconds`, which deletes its pod. */
const jobDeadline = 'DeadlineExceeded';

const statusUnknown = 'ContainerStatusUnknown';

/** A status that was lost says nothing, least of all that no code ran. */
function mayHaveStarted(container: PodEnding['container']): boolean {
  if (container === null) return false;
  return container.startedAt !== null || container.reason === statusUnknown;
}

function classifyPodReason(ending: PodEnding, started: boolean): Verdict {
  if (ending.podReason === 'DeadlineExceeded') return deadlineExceeded(started, ending.podMessage);
  if (ending.podReason === 'Evicted' && ownDiskUse.test(ending.podMessage)) {
    return verdict('DISK_LIMIT', 'limit', started, { reason: 'Evicted', message: ending.podMessage });
  }
  return interrupted(ending.podReason, ending.podMessage, started);
}

/** The kubelet's three texts for a pod over its own limits; "The node was low on resource" is the node's fault. */
const ownDiskUse =
  /Pod ephemeral local storage usage exceeds|exceeded its local ephemeral storage limit|Usage of EmptyDir volume/;

/** Container reasons that mean the program's first instruction was never reached. */
const neverStarted: ReadonlySet<string> = new Set(['StartError', 'ContainerCannotRun', 'RunContainerError']);

/** The kubelet died, or lost patience, while the runtime was starting it: what that came to, nobody was told. */
const brokenOff = /context (canceled|deadline exceeded)/;

function classifyContainer(
  container: NonNullable<PodEnding['container']>,
  context: EndingContext,
  started: boolean,
): Verdict {
  const { exitCode, reason, message } = container;
  if (reason === 'OOMKilled') {
    return verdict('MEMORY_LIMIT', 'limit', true, { exitCode, reason, message: 'the memory limit was exceeded' });
  }
  if (neverStarted.has(reason) || reason === statusUnknown) {
    const { retrySafe, ...interruption } = interrupted(reason, message, started);
    return { ...interruption, retrySafe: retrySafe && !brokenOff.test(message) };
  }
  if (exitCode === 0) return verdict('SUCCEEDED', null, true, { exitCode, reason: 'Completed', message: '' });
  if (exitCode === brokenExitCode && context.kernel?.startsWith(requiredKernel) === false) {
    const refused = `its kernel is ${context.kernel} and not ${requiredKernel}`;
    const interruption = interrupted('NotSandboxed', refused, false);
    return { ...interruption, exitCode };
  }
  if (exitCode === timeoutExitCode && reachedLimit(container, context)) {
    const limit = `the time limit of ${context.timeoutSeconds} s was reached`;
    return verdict('TIMED_OUT', 'limit', true, { exitCode, reason: 'DeadlineExceeded', message: limit });
  }
  // A supervisor that could not report was killed itself: by the program, or by memory that gVisor accounts but does not name (google/gvisor#2433).
  if (context.report === null && (exitCode === 137 || exitCode === 128)) {
    const killed = 'the sandbox was killed from inside or ran out of memory';
    return verdict('KILLED', 'program', true, { exitCode, reason: 'Killed', message: killed });
  }
  const signal = context.report?.signal ?? null;
  const why = signal === null ? `the program exited with code ${exitCode}` : `the program died of signal ${signal}`;
  const { missingModule = null } = context;
  const hint = missingModule === null ? '' : `: it has no module ${missingModule}, see docs/packages.md`;
  return verdict('FAILED', 'program', true, { exitCode, signal, reason: 'Error', message: `${why}${hint}` });
}

/**
 * The kubelet's clocks decide. Their start can be late by as much as they are coarse, so that within their last second
 * the supervisor's word counts; it can be forged, but only by who waits until then and exits with that very code.
 */
function reachedLimit(
  container: NonNullable<PodEnding['container']>,
  { timeoutSeconds, report }: EndingContext,
): boolean {
  const lenience = report?.timedOut === true ? 1 : 0;
  return ranFor(container) >= timeoutSeconds - lenience;
}

/** Kubelet times have a resolution of one second and floor alike, so a run of T seconds never shows as less. */
function ranFor(container: NonNullable<PodEnding['container']>): number {
  if (container.startedAt === null || container.finishedAt === null) return 0;
  return (container.finishedAt - container.startedAt) / 1000;
}

function classifyByJob(jobReason: string, started: boolean): Verdict {
  if (jobReason === '') {
    return verdict('LOST', 'platform', started, { reason: 'NoStatus', message: 'the pod ended without saying how' });
  }
  if (jobReason === 'Complete') {
    const gone = 'the pod was deleted before its log could be read';
    return verdict('SUCCEEDED', null, true, { exitCode: 0, reason: 'Completed', message: gone });
  }
  if (jobReason === jobDeadline) return deadlineExceeded(started, 'the deadline of the Job was reached');
  if (jobReason === 'PodFailurePolicy') return interrupted(jobReason, 'the pod was disrupted', started);
  const gone = 'the pod failed and was deleted before it could be read';
  return verdict('LOST', 'platform', true, { reason: jobReason, message: gone });
}

function deadlineExceeded(started: boolean, message: string): Verdict {
  return started
    ? verdict('TIMED_OUT', 'limit', true, { reason: 'DeadlineExceeded', message })
    : verdict('START_TIMEOUT', 'platform', false, { reason: 'DeadlineExceeded', message });
}

/** Written for a node that fell silent: its last report may be older than the start. */
const silentNode: ReadonlySet<string> = new Set(['DeletionByTaintManager', 'DeletionByPodGC', 'NodeLost']);

function interrupted(reason: string, message: string, started: boolean): Verdict {
  const retrySafe = !started && !silentNode.has(reason);
  return { ...verdict('INFRA_INTERRUPTED', 'platform', started, { reason, message }), retrySafe };
}

function verdict(
  state: FinalState,
  fault: Verdict['fault'],
  started: boolean,
  rest: { reason: string; message: string; exitCode?: number; signal?: number | null },
): Verdict {
  return { state, fault, started, retrySafe: !started, exitCode: null, signal: null, ...rest };
}
