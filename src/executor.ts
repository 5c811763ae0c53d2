import type { State } from './execution/execution.ts';
import type { FileEntry } from './execution/files.ts';
import type { Resource } from './resource.ts';

export const streams = ['stdout', 'stderr'] as const;
export type Stream = (typeof streams)[number];

export interface ListOptions {
  readonly state?: State | undefined;
  /** 1–100. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/**
 * What can be asked of us, in this process or over HTTP: the CLI and the API are written against this. Whatever is asked
 * about an execution that was deleted throws ExecutionGoneError, for some weeks; then nobody knows it any more.
 */
export interface Executor {
  /**
   * Checks and records a request (the JSON body of `POST /v1/executions`).
   * Throws InvalidRequestError with every problem, IdempotencyConflictError for a used key with another request,
   * ExecutionGoneError for one whose execution was deleted.
   */
  submit(
    body: unknown,
    options: { readonly idempotencyKey?: string | undefined },
  ): Promise<{ readonly execution: Resource; readonly created: boolean }>;
  get(id: string): Promise<Resource | undefined>;
  list(options: ListOptions): Promise<{ readonly executions: readonly Resource[]; readonly next: string | null }>;
  cancel(id: string): Promise<Resource | undefined>;
  /** Deletes an execution that has ended; false when there is none. Throws ExecutionOpenError when it has not ended. */
  remove(id: string): Promise<boolean>;
  /** The bytes kept of a stream; empty until the execution ends. Undefined when there is no such execution. */
  output(id: string, stream: Stream): Promise<Uint8Array | undefined>;
  /** The files that came back; none until the execution ends. Undefined when there is no such execution. */
  files(id: string): Promise<readonly FileEntry[] | undefined>;
  /**
   * Waits until the execution is final, at most `seconds`, and returns it as it is then; `onChange` hears of each
   * state on the way. Undefined when there is no such execution.
   */
  wait(id: string, seconds: number, onChange?: (execution: Resource) => void): Promise<Resource | undefined>;
}
