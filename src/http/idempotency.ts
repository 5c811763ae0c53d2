import { idempotencyKeyPattern } from '../execution/identity.ts';
import { ProblemError } from './problem.ts';

const rule = 'must be 1–255 printable ASCII characters, as a quoted string ("…") or a bare token';
const bareKey = /^[A-Za-z0-9!#$%&'*+\-.^_`|~:/=@]+$/;
const quotedKey = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/**
 * Reads `Idempotency-Key`: a structured-field string (RFC 8941) as the draft says, or the bare token that most
 * clients send. Both spellings of a key are the same key. Throws a 400 problem for anything else.
 */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const quoted = quotedKey.exec(header)?.[1]?.replaceAll(/\\(.)/g, '$1');
  const key = quoted ?? (bareKey.test(header) ? header : '');
  if (idempotencyKeyPattern.test(key)) return key;
  const detail = `Idempotency-Key ${rule}`;
  throw new ProblemError('malformed-request', detail, { errors: [{ header: 'Idempotency-Key', detail: rule }] });
}

/** Writes a key as a structured-field string; undefined for one that the server would refuse. */
export function formatIdempotencyKey(key: string): string | undefined {
  return idempotencyKeyPattern.test(key) ? `"${key.replaceAll(/["\\]/g, '\\$&')}"` : undefined;
}
