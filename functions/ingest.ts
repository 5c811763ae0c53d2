import { type Received, refuseOld } from '../src/bus/envelope.ts';
import { parseIngest } from '../src/bus/ingest.ts';
import { parseGoogleCloudConfig } from '../src/config.ts';
import { ExecutionGoneError, IdempotencyConflictError, InvalidRequestError } from '../src/errors.ts';
import type { Executor } from '../src/executor.ts';
import { log, once, onPush } from '../src/function.ts';
import { submittingExecutor } from '../src/google-cloud-executor.ts';

const ready = once(async () => {
  const config = parseGoogleCloudConfig(process.env);
  return submittingExecutor({
    ...config,
    caller: config.ingestCaller,
    onError: (error) => log.error('a bell was not rung', { error }),
  });
});

onPush('ingest', async (message) => {
  const { executor, deadLetters } = await ready();
  const poison = await submitted(message, executor.submit);
  if (poison !== undefined) await deadLetters.keep(message, poison.reason);
  return poison;
});

async function submitted(message: Received, submit: Executor['submit']) {
  const old = refuseOld(message, Date.now());
  if (old !== undefined) return old;
  const parsed = parseIngest(message);
  if (!parsed.ok) return parsed;
  const { body, idempotencyKey } = parsed.ingest;
  try {
    await submit(body, { idempotencyKey });
    return undefined;
  } catch (error) {
    if (isPoison(error)) return { ok: false, reason: error.message } as const;
    throw error;
  }
}

function isPoison(error: unknown): error is Error {
  const kinds = [InvalidRequestError, IdempotencyConflictError, ExecutionGoneError];
  return kinds.some((kind) => error instanceof kind);
}
