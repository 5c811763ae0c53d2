import type { PodEnding, Verdict } from './classify.ts';
import type { Execution, ExecutionIn, FinalExecution, OutputSummary } from './execution.ts';

export const noOutput: OutputSummary = {
  stdout: { bytes: 0, totalBytes: 0, truncated: false },
  stderr: { bytes: 0, totalBytes: 0, truncated: false },
  files: [],
  omittedFiles: 0,
  kernel: null,
  complete: true,
  incompleteBecause: null,
  durationMs: null,
};

/** Of what may have printed something, and was gone before anybody looked. */
const unseenOutput: OutputSummary = {
  ...noOutput,
  complete: false,
  incompleteBecause: 'it was gone before its log could be read',
};

/** What was read of a pod that ended by itself. */
interface Ended {
  readonly ending: PodEnding;
  readonly verdict: Verdict;
  readonly output: OutputSummary;
}

/** The ending of an execution whose pod ended. */
export function ended(
  execution: ExecutionIn<'LAUNCHING' | 'RUNNING' | 'STOPPING'>,
  { ending, verdict, output }: Ended,
  now: number,
): FinalExecution {
  const known = execution.state === 'LAUNCHING' ? null : execution.startedAt;
  return {
    ...finished(execution, now),
    ...verdict,
    startedAt: ending.container?.startedAt ?? known,
    finishedAt: ending.container?.finishedAt ?? null,
    output,
    podEnding: ending,
  };
}

const stoppedAs = {
  cancelled: { state: 'CANCELLED', fault: null, reason: 'Cancelled' },
  start_timeout: { state: 'START_TIMEOUT', fault: 'platform', reason: 'StartTimeout' },
  lost: { state: 'LOST', fault: 'platform', reason: 'Lost' },
  overdue: { state: 'TIMED_OUT', fault: 'limit', reason: 'Overdue' },
} as const;

/** The ending of an execution that was stopped. `seenStarted` is null when nobody knows, and then no retry is called safe. */
export function stopped(execution: ExecutionIn<'STOPPING'>, seenStarted: boolean | null, now: number): FinalExecution {
  const started = seenStarted === true || execution.startedAt !== null;
  const printed = execution.output ?? unseenOutput;
  return {
    ...finished(execution, now),
    ...stoppedAs[execution.why],
    started,
    retrySafe: !started && seenStarted === false,
    message: execution.message,
    startedAt: execution.startedAt,
    output: started || seenStarted === null ? printed : noOutput,
  };
}

/** The ending of an execution that could not be stopped: not what was wished, since what was printed may not be all. */
export function unfenced(execution: ExecutionIn<'STOPPING'>, message: string, now: number): FinalExecution {
  const output = { ...(execution.output ?? noOutput), complete: false, incompleteBecause: 'it may still run' };
  const lost = { state: 'LOST', fault: 'platform', reason: 'NotRemoved', message, output } as const;
  return { ...stopped(execution, null, now), ...lost };
}

/** The ending of an execution whose Job was never recorded, so that no code can have run. */
export function neverStarted(
  execution: ExecutionIn<'ACCEPTED'>,
  state: FinalExecution['state'],
  said: Pick<FinalExecution, 'fault' | 'reason' | 'message'>,
  now: number,
): FinalExecution {
  return {
    ...finished({ ...execution, jobUid: null, launchedAt: null }, now),
    ...said,
    state,
    started: false,
    retrySafe: true,
  };
}

type Unfinished = Pick<
  Execution,
  'id' | 'target' | 'isolation' | 'owner' | 'caller' | 'bodyHash' | 'request' | 'acceptedAt' | 'traceparent'
> & { readonly jobUid: string | null; readonly launchedAt: number | null };

function finished(
  from: Unfinished,
  now: number,
): Omit<FinalExecution, 'state' | 'fault' | 'started' | 'retrySafe' | 'reason' | 'message'> {
  return {
    id: from.id,
    target: from.target,
    isolation: from.isolation,
    owner: from.owner,
    caller: from.caller,
    bodyHash: from.bodyHash,
    request: { ...from.request, env: {} },
    acceptedAt: from.acceptedAt,
    traceparent: from.traceparent,
    jobUid: from.jobUid,
    launchedAt: from.launchedAt,
    startedAt: null,
    finishedAt: null,
    endedAt: now,
    exitCode: null,
    signal: null,
    output: noOutput,
    podEnding: null,
  };
}
