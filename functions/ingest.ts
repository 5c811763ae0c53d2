import { poison, type Received, refuseOld } from '../src/bus/envelope.ts';
import { parseIngest } from '../src/bus/ingest.ts';
import { parseGoogleCloudConfig } from '../src/config.ts';
import { ExecutionGoneError, IdempotencyConflictError, InvalidRequestError } from '../src/errors.ts';
import type { Executor } from '../src/executor.ts';
import { log, onPush } from '../src/function.ts';
import { googleClients } from '../src/google-cloud.ts';
import { submittingExecutor } from '../src/google-cloud-executor.ts';
import { once } from '../src/once.ts';

const clients = once(async () => googleClients(parseGoogleCloudConfig(process.env)));
const ready = once(async () => {
  const google = await clients();
  return submittingExecutor(google, {
    caller: google.config.ingestCaller,
    onError: (error) => log.error('a bell was not rung', { error }),
  });
});

onPush('ingest', async (message) => {
  const { executor, deadLetters } = await ready();
  const refused = await submitted(message, executor.submit);
  if (refused !== undefined) await deadLetters.keep(message, refused);
  return refused;
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
    if (isPoison(error)) return poison(error.message);
    throw error;
  }
}

function isPoison(error: unknown): error is Error {
  const kinds = [InvalidRequestError, IdempotencyConflictError, ExecutionGoneError];
  return kinds.some((kind) => error instanceof kind);
}
