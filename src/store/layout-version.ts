import { UnavailableError } from '../errors.ts';

/**
 * Raise it when programs that know only lower versions must no longer write the store: with a new field of a schema, say,
 * which they would leave empty, or a new state, which they could not read.
 */
export const layoutVersion = 2;

/** The error for a store whose version is none that this program knows; `fix` says what to do. */
export function newerLayout(store: string, version: unknown, fix: string): UnavailableError {
  const versions = `layout ${version}, this program knows ${layoutVersion}`;
  return new UnavailableError(`${store} was written by a newer gke-code-executor (${versions}): ${fix}`);
}
