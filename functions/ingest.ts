import type { Received } from '../src/bus/envelope.ts';
import { parseIngest } from '../src/bus/ingest.ts';
import { parseGoogleCloudConfig } from '../src/config.ts';
import { IdempotencyConflictError, InvalidRequestError } from '../src/errors.ts';
import { once, onPush } from '../src/function.ts';
import { submitPorts } from '../src/google-cloud.ts';
import { localExecutor } from '../src/local-executor.ts';

const ready = once(async () => {
  const config = parseGoogleCloudConfig(process.env);
  const ports = await submitPorts(config);
  return { executor: localExecutor(ports, config.ingestCaller), deadLetters: ports.deadLetters };
});

onPush('ingest', async (message) => {
  const { executor, deadLetters } = await ready();
  const poison = await submitted(message, executor.submit);
  if (poison !== undefined) await deadLetters.keep(message, poison.reason);
  return poison;
});

async function submitted(message: Received, submit: ReturnType<typeof localExecutor>['submit']) {
  const parsed = parseIngest(message);
  if (!parsed.ok) return parsed;
  const { body, idempotencyKey } = parsed.ingest;
  try {
    await submit(body, { idempotencyKey });
    return undefined;
  } catch (error) {
    const isPoison = error instanceof InvalidRequestError || error instanceof IdempotencyConflictError;
    if (isPoison) return { ok: false, reason: error.message } as const;
    throw error;
  }
}
