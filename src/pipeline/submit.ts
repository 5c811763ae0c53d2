import { createHash, createHmac } from 'node:crypto';
import { ExecutionGoneError, IdempotencyConflictError } from '../errors.ts';
import type { Execution } from '../execution/execution.ts';
import { executionId, executionIdBytes } from '../execution/identity.ts';
import type { Submission } from '../execution/request.ts';
import { attributesOf, currentTraceparent, inSpan, withinTraceOf } from '../telemetry/trace.ts';
import type { SubmitPorts } from './ports.ts';

export interface Submitter {
  readonly caller: string;
  /** With a key the id is derived from it, so that the same request twice is one execution. */
  readonly idempotencyKey?: string | undefined;
}

/**
 * Records a checked request and rings the bell. The record is the promise: when publishing fails, that is reported, the
 * execution stands and the reconciler rings again. Throws IdempotencyConflictError for a used key with another request, and
 * ExecutionGoneError for one whose execution was deleted: what ran once does not run again.
 */
export function submit(ports: SubmitPorts, submission: Submission, submitter: Submitter): Promise<Submitted> {
  return inSpan('submit execution', {}, async (span) => {
    const submitted = await record(ports, submission, submitter);
    const { execution } = submitted;
    span?.setAttributes(attributesOf(execution));
    await ring(ports, execution);
    return submitted;
  });
}

/** Accepted is accepted: the caller must not hear of an error for a request that will run. */
async function ring({ bus, onError }: SubmitPorts, execution: Execution): Promise<void> {
  const { id } = execution;
  await withinTraceOf(execution, () => bus.publish('execution-requested', { executionId: id })).catch((cause) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `execution ${id} is accepted, but its bell was not rung; the reconciler will: ${why}`;
    onError(new Error(message, { cause }));
  });
}

interface Submitted {
  readonly execution: Execution;
  readonly created: boolean;
}

async function record(ports: SubmitPorts, submission: Submission, submitter: Submitter): Promise<Submitted> {
  const { sandbox, store } = ports;
  const bodyHash = hash(submission);
  const id = newId(ports, submitter);
  const stored = await store.executions.create(
    {
      state: 'ACCEPTED',
      id,
      target: sandbox.target,
      isolation: sandbox.isolation,
      owner: ports.process === null ? null : { process: ports.process, epoch: 1 },
      caller: submitter.caller,
      bodyHash,
      request: submission.request,
      acceptedAt: ports.clock.now(),
      traceparent: currentTraceparent(),
      waiting: null,
    },
    { code: submission.code, stdin: submission.stdin },
  );
  if ((stored.tombstone ?? stored.item).bodyHash !== bodyHash) throw new IdempotencyConflictError(id);
  if (stored.tombstone !== undefined) throw new ExecutionGoneError(id);
  return { execution: stored.item, created: stored.created };
}

function newId({ store, randomBytes }: SubmitPorts, { caller, idempotencyKey }: Submitter): string {
  if (idempotencyKey === undefined) return executionId(randomBytes(executionIdBytes));
  const keyed = createHmac('sha256', store.installation.secret).update(JSON.stringify([caller, idempotencyKey]));
  return executionId(keyed.digest());
}

/** Equal requests hash alike however their maps were ordered. */
function hash({ request, code, stdin }: Submission): string {
  const sorted = (map: Readonly<Record<string, string>>) => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  const { env, envNames: _, labels, ...rest } = request;
  const fields = JSON.stringify([Object.entries(rest).sort(), sorted(env), sorted(labels)]);
  return createHash('sha256').update(`${fields}\0${code.length}\0`).update(code).update(stdin).digest('hex');
}
