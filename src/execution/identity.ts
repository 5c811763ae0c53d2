const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Encodes bytes as lower-case base32 without padding (RFC 4648 §6), which is valid in a Kubernetes name. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet.charAt((buffer >> bits) & 31);
    }
    buffer &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet.charAt((buffer << (5 - bits)) & 31) : text;
}

/** Bytes of randomness (or of a keyed hash) that an execution id carries. */
export const executionIdBytes = 16;

/** Makes an execution id, 26 characters of a–z and 2–7, from 16 or more bytes; the rest is ignored. */
export function executionId(bytes: Uint8Array): string {
  return base32(bytes.subarray(0, executionIdBytes));
}

export const executionIdPattern = /^[a-z2-7]{26}$/;

/** A key means the same request whichever way it comes: as a header, as an attribute, from the command line. */
export const idempotencyKeyPattern = /^[\x20-\x7e]{1,255}$/;

/** Names the one Job an execution ever has: a DNS label of 39 characters, so that the pod's suffix still fits 63. */
export function jobName(installationId: string, id: string): string {
  return `run-${installationId}-${id}`;
}

/** Bytes of randomness in an installation id; 8 characters of base32. */
export const installationIdBytes = 5;

/** JSON in which equal values are equal texts, in whatever order a client or a store put their names. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
