import type { FinalState } from '../execution/execution.ts';
import type { Resource } from '../resource.ts';

/** Exit code for what the user can mend before anything ran: wrong usage, a bad request, an unusable cluster or store. */
export const usageExitCode = 2;

/** Exit code of a check that found something. */
export const differentExitCode = 1;

/** Exit code for what went wrong after the request was accepted: it has a result, which was not seen or not passed on. */
export const lostSightExitCode = 126;

/** Exit codes of endings that are not the program's own; `KILLED` and `FAILED` exit with the program's code. */
export const endingExitCodes: Readonly<Partial<Record<FinalState, number>>> = {
  REJECTED: 120,
  INFRA_INTERRUPTED: 121,
  LOST: 121,
  START_TIMEOUT: 121,
  MEMORY_LIMIT: 122,
  DISK_LIMIT: 123,
  TIMED_OUT: 124,
  CANCELLED: 125,
};

/** The exit code of `run` for an execution that ended: the program's, or one that says what ended it. */
export function exitCodeOf({ state, result }: Resource): number {
  const codes: Readonly<Partial<Record<string, number>>> = endingExitCodes;
  return codes[state] ?? result?.exitCode ?? 121;
}
