/** One thing wrong with a request; `pointer` is a JSON pointer (RFC 6901) into its body. */
export interface Problem {
  readonly pointer: string;
  readonly message: string;
}

/** The request is wrong; nothing was stored. Carries every problem found. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map(({ pointer, message }) => `${pointer || 'body'}: ${message}`).join('\n'));
    this.problems = problems;
  }
}

/** The idempotency key was used before with another request. */
export class IdempotencyConflictError extends Error {
  override readonly name = 'IdempotencyConflictError';
  readonly executionId: string;
  constructor(executionId: string) {
    super(`the idempotency key belongs to execution ${executionId}, whose request was different`);
    this.executionId = executionId;
  }
}

/** The execution was deleted, on request or at the end of its retention; its id and key are not used again for weeks. */
export class ExecutionGoneError extends Error {
  override readonly name = 'ExecutionGoneError';
  readonly executionId: string;
  constructor(executionId: string) {
    super(`execution ${executionId} was deleted`);
    this.executionId = executionId;
  }
}

/** What is asked for needs an execution that has ended. */
export class ExecutionOpenError extends Error {
  override readonly name = 'ExecutionOpenError';
  readonly executionId: string;
  constructor(executionId: string) {
    super(`execution ${executionId} has not ended: cancel it, or wait for its end`);
    this.executionId = executionId;
  }
}

/** Something this process stands on cannot be used (store, cluster, rights); the message names the fix. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
}
