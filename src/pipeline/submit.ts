import { createHmac } from 'node:crypto';
import { ExecutionGoneError, IdempotencyConflictError } from '../errors.ts';
import type { Execution } from '../execution/execution.ts';
import { executionId, executionIdBytes } from '../execution/identity.ts';
import type { Submission } from '../execution/request.ts';
import type { Store } from '../store/executions.ts';
import type { Parts } from '../store/store.ts';
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
  // It outlives the values of the environment, and without a key a short one could be guessed from it.
  const bodyHash = keyed(store, submission.given).toString('hex');
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
    partsOf(submission),
  );
  if ((stored.tombstone ?? stored.item).bodyHash !== bodyHash) throw new IdempotencyConflictError(id);
  if (stored.tombstone !== undefined) throw new ExecutionGoneError(id);
  return { execution: stored.item, created: stored.created };
}

function partsOf({ code, stdin, files }: Submission): Parts {
  return { code, stdin, ...(files.length > 0 ? { files } : {}) };
}

function newId({ store, randomBytes }: SubmitPorts, { caller, idempotencyKey }: Submitter): string {
  if (idempotencyKey === undefined) return executionId(randomBytes(executionIdBytes));
  return executionId(keyed(store, JSON.stringify([caller, idempotencyKey])));
}

function keyed({ installation }: Pick<Store, 'installation'>, text: string): Buffer {
  return createHmac('sha256', installation.secret).update(text).digest();
}
