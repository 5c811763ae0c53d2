import { readBounded } from '../bounded.ts';
import { parseStrictJson } from './json.ts';
import { ProblemError } from './problem.ts';

/** Bytes of a request body: the largest bundle (limits.ts) fits as base64 and as ordinary JSON text. */
const maximumBodyBytes = 1024 * 1024;

/**
 * Refuses a POST that does not say it carries plain JSON, with or without a body: a web page can send one only after
 * a preflight, and preflights are refused.
 */
export function requireJsonType(headers: Headers): void {
  const type = headers.get('content-type') ?? '';
  if (!/^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(type)) {
    const detail = 'send the header Content-Type: application/json, even when the body is empty';
    throw new ProblemError('unsupported-media-type', detail, { headers: { Accept: 'application/json' } });
  }
  requireIdentity(headers);
}

/** Refuses a compressed body, which would be larger than it says. */
export function requireIdentity(headers: Headers): void {
  if ((headers.get('content-encoding') ?? 'identity').toLowerCase() !== 'identity') {
    const detail = 'send the body without Content-Encoding';
    throw new ProblemError('unsupported-media-type', detail, { headers: { 'Accept-Encoding': 'identity' } });
  }
}

/** Reads and parses the JSON body of a request; throws a problem for anything else. */
export async function readJson(request: Request): Promise<unknown> {
  return parseStrictJson(decode(await readBytes(request, maximumBodyBytes)));
}

/** Reads the body of a request that needs none, so that the connection can go on; its contents do not matter. */
export async function ignoreBody(request: Request): Promise<void> {
  await readBytes(request, maximumBodyBytes);
}

/** Reads a body of at most that many bytes; throws a problem for a larger one before it has read more. */
export async function readBytes(request: Request, maximumBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > maximumBytes) throw tooLarge(maximumBytes);
  const bytes = await readBounded(stream(request), maximumBytes);
  if (bytes === undefined) throw tooLarge(maximumBytes);
  return bytes;
}

async function* stream(request: Request): AsyncGenerator<Uint8Array> {
  if (request.body === null) return;
  try {
    yield* request.body;
  } catch (error) {
    throw new ProblemError('malformed-request', 'the body broke off', { cause: error });
  }
}

function tooLarge(maximumBytes: number): ProblemError {
  const detail = `the body has more than ${maximumBytes} bytes`;
  return new ProblemError('body-too-large', detail, { headers: { Connection: 'close' } });
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new ProblemError('malformed-request', 'the body is not valid UTF-8');
    throw error;
  }
}
