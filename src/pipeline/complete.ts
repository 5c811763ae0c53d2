import { classify } from '../execution/classify.ts';
import { type Execution, type ExecutionIn, isFinal, type OutputSummary } from '../execution/execution.ts';
import { unpackFiles } from '../execution/files.ts';
import { noOutput } from '../execution/final.ts';
import { clocks } from '../execution/limits.ts';
import { missingModule } from '../execution/missing-module.ts';
import type { ExecutionEvent } from '../execution/transitions.ts';
import {
  type Job,
  NotRemovedError,
  needsExplanation,
  type Removal,
  type SandboxOutput,
  type SandboxStatus,
} from '../sandbox/sandbox.ts';
import type { Parts } from '../store/store.ts';
import { inTraceOf, withinTraceOf } from '../telemetry/trace.ts';
import { isOverdue, startExpiry } from './deadlines.ts';
import { noteProgress } from './note.ts';
import { apply, isOurs, type Ports } from './ports.ts';
import { printed } from './printed.ts';

type Launched = ExecutionIn<'LAUNCHING' | 'RUNNING' | 'STOPPING'>;

/**
 * Brings the record up to what is true of its Job, and cleans up once the result is stored. Never trusts the message:
 * it reads Job and pod itself, so that stale, duplicate and foreign messages do nothing. What is of another target or
 * owner is left to that: this sandbox cannot see its Job, and would take it for lost.
 */
export async function complete(ports: Ports, executionId: string): Promise<void> {
  const execution = await ports.store.executions.get(executionId);
  if (execution === undefined || execution.state === 'ACCEPTED' || !isOurs(ports, execution)) return;
  // Whoever rang may not have known the trace of the execution: its record does.
  await inTraceOf(execution, 'complete execution', () =>
    isFinal(execution) ? removeJob(ports, execution) : advance(ports, execution),
  );
}

async function advance(ports: Ports, execution: Launched): Promise<void> {
  const job = { executionId: execution.id, jobUid: execution.jobUid };
  // What shows as running was so then at the earliest; the answer may be old when we come to think about it.
  const askedAt = ports.clock.now();
  const status = await ports.sandbox.inspect(job);
  if (status.kind === 'ended' && isOwnEnding(execution, status)) return finish(ports, execution, job, status);
  if (execution.state === 'STOPPING') return stop(ports, execution, job, status);
  // What only events tell, the watch, which may read them, has written or is about to.
  if (!needsExplanation(status) && !(await noteProgress(ports, job, status))) return lose(ports, job, status);
  if (execution.state === 'RUNNING' && status.kind === 'waiting') return lookAgain(ports, job);
  if (status.kind === 'running' && isOverdue(execution, askedAt)) {
    await fence(ports, job, status, { type: 'overdue' });
  }
  const message = status.kind === 'waiting' ? startExpiry(execution, askedAt) : undefined;
  if (message !== undefined) await fence(ports, job, status, { type: 'startExpired', message });
}

type Ended = Extract<SandboxStatus, { kind: 'ended' }>;

/** A pod that ended while it was being deleted was ended by us or by a stranger, unless a disruption says by whom. */
function isOwnEnding(execution: Launched, { deleting, ending }: Ended): boolean {
  return !deleting || (execution.state !== 'STOPPING' && ending.disruption !== '');
}

/** Milliseconds in which the ending of a pod that is gone shows on its Job. */
const gapMs = 10_000;

/** RUNNING by the record and waiting by the sandbox: its ending is about to show, or its permitted start never came. */
async function lookAgain(ports: Ports, job: Job): Promise<void> {
  await ports.clock.sleep(gapMs);
  const status = await ports.sandbox.inspect(job);
  if (status.kind !== 'waiting') return;
  await fence(ports, job, status, {
    type: 'lost',
    jobUid: job.jobUid,
    message: 'its start was permitted and did not come in time',
  });
}

/** Its Job or pod is gone, by nobody we know: whatever is left of it must not run when we say so. */
async function lose(ports: Ports, job: Job, status: SandboxStatus): Promise<void> {
  const message = status.kind === 'absent' ? 'its Job or pod was deleted' : 'its pod was deleted';
  await fence(ports, job, status, { type: 'lost', jobUid: job.jobUid, message });
}

async function fence(ports: Ports, job: Job, status: SandboxStatus, why: ExecutionEvent): Promise<void> {
  const update = await apply(ports, job.executionId, why);
  if (update?.after.state === 'STOPPING') await stop(ports, update.after, job, status);
}

async function finish(ports: Ports, execution: Launched, job: Job, { ending }: Ended): Promise<void> {
  const captured = await printed(ports, execution, job, ending);
  const verdict = classify(ending, {
    timeoutSeconds: execution.request.timeoutSeconds,
    started: execution.state === 'RUNNING' || (execution.state === 'STOPPING' && execution.startedAt !== null),
    report: captured.report,
    kernel: captured.kernel,
    missingModule: missingModule(captured.stderr.bytes),
  });
  const kept = captured.complete ? null : await keptOutput(ports, execution.id, captured);
  const output = verdict.started ? (kept ?? summary(captured)) : { ...noOutput, kernel: captured.kernel };
  const event = { type: 'ended', jobUid: job.jobUid, ending, verdict, output } as const;
  await apply(ports, execution.id, event, kept === null && verdict.started ? parts(captured) : undefined);
  await ports.sandbox.remove(job, { wait: false });
  await ringIfWaiting(ports);
}

/** What somebody who stops the execution has stored meanwhile, if it is more: the pod and its log may be deleted by now. */
async function keptOutput({ store }: Ports, id: string, captured: SandboxOutput): Promise<OutputSummary | null> {
  const now = await store.executions.get(id);
  if (now?.state !== 'STOPPING' || now.output === null) return null;
  const { stdout, stderr, complete } = now.output;
  const isMore = stdout.bytes + stderr.bytes > captured.stdout.bytes.length + captured.stderr.bytes.length;
  return complete || isMore ? now.output : null;
}

/**
 * Fences: what was printed is kept, then nothing of the Job can run any more, and only then the ending is said. That it
 * started is written down before its Job goes, since nobody could tell afterwards.
 */
async function stop(ports: Ports, execution: ExecutionIn<'STOPPING'>, job: Job, status: SandboxStatus): Promise<void> {
  const startedAt = startShownBy(status);
  if (execution.startedAt === null && typeof startedAt === 'number') {
    await apply(ports, execution.id, { type: 'started', jobUid: job.jobUid, startedAt, epoch: null });
  }
  if (execution.output === null && startedAt !== null && status.kind !== 'absent') {
    const captured = await printed(ports, execution, job, null);
    const output = summary(captured);
    await apply(ports, execution.id, { type: 'collected', jobUid: job.jobUid, output }, parts(captured));
  }
  const removal = await removed(ports, execution, job);
  if (removal === null) return;
  const { started } = removal;
  await apply(ports, execution.id, {
    type: 'removed',
    jobUid: job.jobUid,
    started: typeof startedAt === 'number' || (startedAt === undefined && started === false ? null : started),
  });
  await ringIfWaiting(ports);
}

/**
 * Waits until nothing of the Job can run. Null when something may: either it is asked again, as `reconcile` does in each
 * round, or that was hoped for long enough, and the execution has ended as lost.
 */
async function removed(ports: Ports, execution: ExecutionIn<'STOPPING'>, job: Job): Promise<Removal | null> {
  try {
    return await ports.sandbox.remove(job, { wait: true });
  } catch (error) {
    if (!(error instanceof NotRemovedError)) throw error;
    const patienceMs = clocks.fenceSeconds * 1000;
    const since = Math.max(execution.stoppingSince, error.deletedAt - patienceMs / 2);
    if (ports.clock.now() <= since + patienceMs) return null;
    const message = `it was to be stopped (${execution.why}) and is still there: it may run on a node that is lost`;
    await apply(ports, execution.id, { type: 'unfenced', jobUid: job.jobUid, message });
    return null;
  }
}

/** When the container started; null when it had not, undefined when the status comes too late to tell. */
function startShownBy(status: SandboxStatus): number | null | undefined {
  switch (status.kind) {
    case 'absent':
      return undefined;
    case 'waiting':
      return null;
    case 'running':
      return status.startedAt;
    case 'ended': {
      const { container, podReason, disruption, jobReason } = status.ending;
      if (container !== null) return container.startedAt ?? undefined;
      // A pod that was deleted and has no more to say never got as far as its container.
      return podReason === '' && disruption === '' && jobReason === '' ? null : undefined;
    }
  }
}

async function removeJob(ports: Ports, execution: Execution): Promise<void> {
  if (execution.state === 'ACCEPTED' || execution.jobUid === null) return;
  await ports.sandbox.remove({ executionId: execution.id, jobUid: execution.jobUid }, { wait: false });
  await ringIfWaiting(ports);
}

/** A slot is free: somebody may be waiting for it. */
async function ringIfWaiting({ store, sandbox, bus, process }: Ports): Promise<void> {
  const equal = { state: 'ACCEPTED', target: sandbox.target, owner: process ?? '' };
  const [next] = (await store.executions.query({ equal, direction: 'ascending', limit: 1 })).items;
  if (next !== undefined) await withinTraceOf(next, () => bus.publish('execution-requested', { executionId: next.id }));
}

function parts({ stdout, stderr, files }: SandboxOutput): Parts {
  return { stdout: stdout.bytes, stderr: stderr.bytes, ...(files.length > 0 ? { outputFiles: files } : {}) };
}

function summary(captured: SandboxOutput): OutputSummary {
  const { stdout, stderr, files, omittedFiles, complete, kernel, merged, report } = captured;
  const { incompleteBecause = 'the end of the log is missing, or a part of it' } = captured;
  const stream = ({ bytes, totalBytes }: SandboxOutput['stdout']) => ({
    bytes: bytes.length,
    totalBytes,
    truncated: totalBytes > bytes.length,
  });
  return {
    stdout: stream(stdout),
    stderr: stream(stderr),
    files: unpackFiles(files).map(({ path, bytes }) => ({ path, bytes: bytes.length })),
    omittedFiles,
    complete,
    incompleteBecause: complete ? null : incompleteBecause,
    kernel,
    ...(merged && { merged }),
    durationMs: report?.durationMs ?? null,
  };
}
