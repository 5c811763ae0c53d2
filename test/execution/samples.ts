import { classify, type PodEnding } from '../../src/execution/classify.ts';
import {
  type Execution,
  type ExecutionIn,
  type FinalExecution,
  type FinalState,
  finalStates,
  type OutputSummary,
} from '../../src/execution/execution.ts';
import type { ExecutionEvent } from '../../src/execution/transitions.ts';

export const jobUid = 'uid-1';
export const foreignUid = 'uid-2';
export const epoch = 3;

export const common: Omit<ExecutionIn<'ACCEPTED'>, 'state' | 'waiting'> = {
  id: 'aaaabbbbccccddddeeeeffffgg',
  target: 'memory:ns',
  isolation: 'none',
  owner: { process: 'p1', epoch },
  caller: 'alice',
  bodyHash: 'hash',
  request: {
    language: 'python',
    args: ['a'],
    env: { KEY: 'secret' },
    envNames: ['KEY'],
    image: null,
    labels: { team: 'x' },
    codeBytes: 10,
    stdinBytes: 0,
    files: [],
    outputFiles: [],
    maxOutputFileBytes: 0,
    timeoutSeconds: 60,
    startTimeoutSeconds: 300,
    cpuRequestMillicores: 200,
    cpuLimitMillicores: 500,
    memoryRequestMiB: 256,
    memoryLimitMiB: 512,
    maxStdoutBytes: 1000,
    maxStderrBytes: 1000,
  },
  acceptedAt: 1_000,
};

const launched = { jobUid, launchedAt: 2_000 } as const;

export const accepted: ExecutionIn<'ACCEPTED'> = { state: 'ACCEPTED', ...common, waiting: null };
export const launching: ExecutionIn<'LAUNCHING'> = { state: 'LAUNCHING', ...common, ...launched, waiting: null };
export const running: ExecutionIn<'RUNNING'> = { state: 'RUNNING', ...common, ...launched, startedAt: 3_000 };
export const stopping: ExecutionIn<'STOPPING'> = {
  state: 'STOPPING',
  ...common,
  ...launched,
  startedAt: 3_000,
  why: 'cancelled',
  message: '',
  stoppingSince: 4_000,
  output: null,
};

export const output: OutputSummary = {
  stdout: { bytes: 5, totalBytes: 7, truncated: true },
  stderr: { bytes: 0, totalBytes: 0, truncated: false },
  files: [{ path: 'a/b.txt', bytes: 3 }],
  omittedFiles: 1,
  kernel: 'gVisor 4.4.0',
  complete: true,
  incompleteBecause: null,
  durationMs: 900,
};

export function final(state: FinalState): FinalExecution {
  return {
    state,
    ...common,
    ...launched,
    request: { ...common.request, env: {} },
    startedAt: 3_000,
    finishedAt: 4_000,
    endedAt: 5_000,
    fault: null,
    started: true,
    retrySafe: false,
    exitCode: null,
    signal: null,
    reason: 'Because',
    message: '',
    output,
    podEnding: null,
  };
}

/** One execution in every state there is. */
export const inEveryState: readonly Execution[] = [accepted, launching, running, stopping, ...finalStates.map(final)];

export const ending: PodEnding = {
  podReason: '',
  podMessage: '',
  disruption: '',
  container: { exitCode: 3, reason: 'Error', message: '', startedAt: 3_000, finishedAt: 4_000 },
  jobReason: '',
};

/** The event as the pipeline makes it: with the verdict of that ending. */
export function ended(uid: string, of: PodEnding = ending, started = false): ExecutionEvent {
  const context = { timeoutSeconds: common.request.timeoutSeconds, started, report: { signal: null } };
  return { type: 'ended', jobUid: uid, ending: of, verdict: classify(of, context), output };
}
