import { parseIngest } from '../src/bus/ingest.ts';
import { parseGoogleCloudConfig } from '../src/config.ts';
import { IdempotencyConflictError, InvalidRequestError } from '../src/errors.ts';
import { once, onPush } from '../src/function.ts';
import { submitPorts } from '../src/google-cloud.ts';
import { localExecutor } from '../src/local-executor.ts';

const executor = once(async () => {
  const config = parseGoogleCloudConfig(process.env);
  return localExecutor(await submitPorts(config), config.ingestCaller);
});

onPush('ingest', async (message) => {
  const parsed = parseIngest(message);
  if (!parsed.ok) return parsed;
  const { body, idempotencyKey } = parsed.ingest;
  try {
    await (await executor()).submit(body, { idempotencyKey });
    return undefined;
  } catch (error) {
    const isPoison = error instanceof InvalidRequestError || error instanceof IdempotencyConflictError;
    if (isPoison) return { ok: false, reason: error.message };
    throw error;
  }
});
