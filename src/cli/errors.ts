import { InvalidRequestError, type Problem } from '../errors.ts';

/** A mistake the user can mend; printed as it is, exit code 2. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** What went wrong after the request was accepted: the execution goes on, and has a result that was not seen here. */
export class LostSightError extends Error {
  override readonly name = 'LostSightError';
  constructor(id: string, cause: unknown) {
    super(
      `${messageOf(cause)}\ngke-code-executor: execution ${id} was accepted; look for it with: gke-code-executor get ${id}`,
      { cause },
    );
  }
}

const optionOf: Readonly<Record<string, string>> = {
  '/timeoutSeconds': '--timeout',
  '/startTimeoutSeconds': '--start-timeout',
  '/memoryLimitMiB': '--memory (in MiB)',
  '/cpuLimitMillicores': '--cpu (in millicores)',
  '/stdinBase64': '--stdin',
  '/files': '--file',
  '/language': '--language',
  '/image': '--image',
  '/code': 'the code',
  '/cursor': '--cursor',
};

/** One readable message; a stack trace never reaches the user. */
export function messageOf(error: unknown): string {
  if (error instanceof InvalidRequestError) return error.problems.map(readable).join('\n');
  return error instanceof Error ? error.message : String(error);
}

/** Tells the user of an error and goes on. */
export function report(error: unknown): void {
  process.stderr.write(`gke-code-executor: ${messageOf(error)}\n`);
}

function readable({ pointer, message }: Problem): string {
  const [, kind = '', name = ''] = pointer.split('/');
  if (kind === 'env' || kind === 'labels') return `--${kind === 'env' ? 'env' : 'label'} ${name}: ${message}`;
  if (kind === 'args') return `argument ${Number(name) + 1}: ${message}`;
  return `${optionOf[pointer] ?? pointer} ${message}`;
}
