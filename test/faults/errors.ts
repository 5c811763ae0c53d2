import { IdempotencyConflictError } from '../../src/errors.ts';
import { InjectedFault } from './fault.ts';
import type { Lab } from './lab.ts';

/** What the sandbox says when only time can help; a handler must let it through to whoever delivers again. */
const tryAgain =
  /is being deleted; try again|is still being removed; try again|comes and goes; try again|does not answer$/;

/** An error that no fault caused is the handler's own. */
export function checkError(lab: Lab, useCase: string, error: unknown): void {
  if (error instanceof InjectedFault || error instanceof IdempotencyConflictError) return;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (error instanceof Error && tryAgain.test(error.message)) return;
  lab.violate('I12', `${useCase} threw: ${text}`);
}
