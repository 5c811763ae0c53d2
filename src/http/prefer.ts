/** Seconds that one request may wait; a client asks again for more. */
export const maximumWaitSeconds = 60;

/**
 * Seconds of `wait` in a `Prefer` header (RFC 7240), at most 60. Undefined when there is none: a preference that
 * cannot be read is ignored, as the RFC asks.
 */
export function preferredWait(header: string | undefined): number | undefined {
  for (const preference of (header ?? '').split(',')) {
    const seconds = /^\s*wait\s*=\s*("?)(\d{1,9})\1\s*(;.*)?$/i.exec(preference)?.[2];
    if (seconds !== undefined) return Math.min(Number(seconds), maximumWaitSeconds);
  }
  return undefined;
}
