import type { PodEnding, Verdict } from './classify.ts';
import {
  type Execution,
  type ExecutionIn,
  isFinal,
  type OpenExecution,
  type OutputSummary,
  type StoppingReason,
  type Waiting,
} from './execution.ts';
import { ended, neverStarted, stopped, unfenced } from './final.ts';

/** Everything that can happen to an execution. `jobUid` fences: an event of another Job changes nothing. */
export type ExecutionEvent =
  /** Of the Job of that uid; null says why there is none yet. */
  | { readonly type: 'waiting'; readonly jobUid: string | null; readonly waiting: Omit<Waiting, 'since'> }
  | { readonly type: 'launched'; readonly jobUid: string }
  | {
      readonly type: 'started';
      readonly jobUid: string;
      readonly startedAt: number;
      /** Its pod's name, where there are pods. */
      readonly pod?: string;
      /** The owner's lease epoch, where the start itself is gated by this change; null where the kubelet started it. */
      readonly epoch: number | null;
    }
  | {
      readonly type: 'ended';
      readonly jobUid: string;
      readonly ending: PodEnding;
      readonly verdict: Verdict;
      readonly output: OutputSummary;
    }
  | { readonly type: 'cancelRequested' }
  | { readonly type: 'startExpired'; readonly message: string }
  | { readonly type: 'overdue' }
  | { readonly type: 'lost'; readonly jobUid: string; readonly message: string }
  | {
      readonly type: 'collected';
      readonly jobUid: string;
      readonly output: OutputSummary;
    }
  | {
      readonly type: 'removed';
      readonly jobUid: string;
      /** A container was seen started before it went; null when nothing was left to look at. */
      readonly started: boolean | null;
    }
  /** What was to be stopped did not go; nobody knows whether it runs. */
  | { readonly type: 'unfenced'; readonly jobUid: string; readonly message: string }
  | { readonly type: 'rejected'; readonly message: string }
  | { readonly type: 'takenOver'; readonly process: string; readonly fromEpoch: number };

/**
 * The only rule by which an execution changes: pure and total. What does not apply returns the execution itself
 * (the same object), so redelivered, reordered and foreign events need no code of their own; a final state is a sink.
 */
export function transition(execution: Execution, event: ExecutionEvent, now: number): Execution {
  if (isFinal(execution)) return execution;
  if (event.type === 'takenOver') return takeOver(execution, event.process, event.fromEpoch);
  switch (execution.state) {
    case 'ACCEPTED':
      return fromAccepted(execution, event, now);
    case 'LAUNCHING':
      return fromLaunching(execution, event, now);
    case 'RUNNING':
      return fromRunning(execution, event, now);
    case 'STOPPING':
      return fromStopping(execution, event, now);
  }
}

function takeOver(execution: OpenExecution, process: string, fromEpoch: number): Execution {
  if (execution.owner === null || execution.owner.epoch !== fromEpoch) return execution;
  return { ...execution, owner: { process, epoch: fromEpoch + 1 } };
}

function fromAccepted(execution: ExecutionIn<'ACCEPTED'>, event: ExecutionEvent, now: number): Execution {
  switch (event.type) {
    case 'waiting':
      return event.jobUid === null ? wait(execution, event.waiting, now) : execution;
    case 'launched': {
      const { state: _, ...rest } = execution;
      return { ...rest, state: 'LAUNCHING', jobUid: event.jobUid, launchedAt: now };
    }
    case 'cancelRequested':
      return neverStarted(execution, 'CANCELLED', { fault: null, reason: 'Cancelled', message: '' }, now);
    case 'startExpired':
      return neverStarted(
        execution,
        'START_TIMEOUT',
        {
          fault: 'platform',
          reason: execution.waiting?.reason ?? 'NotLaunched',
          message: withCause(event.message, execution.waiting),
        },
        now,
      );
    case 'rejected':
      return neverStarted(
        execution,
        'REJECTED',
        { fault: 'platform', reason: 'Rejected', message: event.message },
        now,
      );
    default:
      return execution;
  }
}

function fromLaunching(execution: ExecutionIn<'LAUNCHING'>, event: ExecutionEvent, now: number): Execution {
  switch (event.type) {
    case 'waiting':
      return event.jobUid === execution.jobUid ? wait(execution, event.waiting, now) : execution;
    case 'started': {
      const fenced = event.epoch !== null && execution.owner?.epoch !== event.epoch;
      if (event.jobUid !== execution.jobUid || fenced) return execution;
      const { waiting: _, ...rest } = execution;
      const { startedAt, pod } = event;
      return { ...rest, state: 'RUNNING', startedAt, ...(pod === undefined ? {} : { pod }) };
    }
    case 'startExpired':
      return stop(execution, 'start_timeout', event.message, now);
    default:
      return fromLaunched(execution, event, now);
  }
}

function fromRunning(execution: ExecutionIn<'RUNNING'>, event: ExecutionEvent, now: number): Execution {
  if (event.type === 'overdue') {
    return stop(execution, 'overdue', `the time limit of ${execution.request.timeoutSeconds} s was reached`, now);
  }
  return fromLaunched(execution, event, now);
}

/** What may happen to an execution whose Job exists, running or not. */
function fromLaunched(execution: ExecutionIn<'LAUNCHING' | 'RUNNING'>, event: ExecutionEvent, now: number): Execution {
  switch (event.type) {
    case 'cancelRequested':
      return stop(execution, 'cancelled', '', now);
    case 'lost':
      return event.jobUid === execution.jobUid ? stop(execution, 'lost', event.message, now) : execution;
    case 'ended':
      return event.jobUid === execution.jobUid ? ended(execution, event, now) : execution;
    default:
      return execution;
  }
}

function fromStopping(execution: ExecutionIn<'STOPPING'>, event: ExecutionEvent, now: number): Execution {
  switch (event.type) {
    case 'started': {
      if (event.jobUid !== execution.jobUid || event.epoch !== null || execution.startedAt !== null) return execution;
      return { ...execution, startedAt: event.startedAt };
    }
    case 'ended':
      return event.jobUid === execution.jobUid ? ended(execution, event, now) : execution;
    case 'collected':
      if (event.jobUid !== execution.jobUid || execution.output !== null) return execution;
      return { ...execution, output: event.output };
    case 'removed':
      return event.jobUid === execution.jobUid ? stopped(execution, event.started, now) : execution;
    case 'unfenced':
      return event.jobUid === execution.jobUid ? unfenced(execution, event.message, now) : execution;
    default:
      return execution;
  }
}

function wait(
  execution: ExecutionIn<'ACCEPTED' | 'LAUNCHING'>,
  waiting: Omit<Waiting, 'since'>,
  now: number,
): Execution {
  const known = execution.waiting;
  // How every execution begins is not worth a write.
  if (known === null && waiting.reason === 'Starting') return execution;
  if (known?.reason === waiting.reason && known.curable === waiting.curable) return execution;
  return { ...execution, waiting: { ...waiting, since: now } };
}

function stop(
  execution: ExecutionIn<'LAUNCHING' | 'RUNNING'>,
  why: StoppingReason,
  message: string,
  now: number,
): Execution {
  const { state, ...rest } = execution;
  const { waiting, startedAt, pod: _, ...kept } = { waiting: null, startedAt: null, pod: undefined, ...rest };
  const because = why === 'start_timeout' ? withCause(message, waiting) : message;
  return { ...kept, state: 'STOPPING', startedAt, why, message: because, stoppingSince: now, output: null };
}

/** A start that did not come in time is explained by what it waited for. */
function withCause(message: string, waiting: Waiting | null): string {
  return waiting === null ? message : `${message}: ${waiting.message}`;
}
