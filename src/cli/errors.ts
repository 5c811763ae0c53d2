import { InvalidRequestError, type Problem } from '../errors.ts';

/** A mistake the user can mend; printed as it is, exit code 2. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** What went wrong after the request was accepted: the execution goes on, and has a result that was not seen here. */
export class LostSightError extends Error {
  override readonly name = 'LostSightError';
  constructor(id: string, cause: unknown) {
    super(`execution ${id} was accepted; look for it with: gke-code-executor get ${id}`, { cause });
  }
}

const optionOf: Readonly<Record<string, string>> = {
  '/timeoutSeconds': '--timeout',
  '/startTimeoutSeconds': '--start-timeout',
  '/memoryLimitMiB': '--memory (in MiB)',
  '/cpuLimitMillicores': '--cpu (in millicores)',
  '/stdinBase64': '--stdin',
  '/files': '--file',
  '/outputFiles': '--output',
  '/env': '--env',
  '/labels': '--label',
  '/args': 'the arguments',
  '/language': '--language',
  '/image': '--image',
  '/code': 'the code',
  '/cursor': '--cursor',
};

/** Problems that are shown, and characters of each: a server may send any number. */
const shown = { problems: 20, characters: 2000 };

/** One readable message; a stack trace never reaches the user. */
export function messageOf(error: unknown): string {
  if (error instanceof InvalidRequestError) {
    const lines = error.problems.slice(0, shown.problems).map((problem) => printable(readable(problem)));
    const more = error.problems.length - lines.length;
    return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
  }
  if (error instanceof LostSightError)
    return `${messageOf(error.cause)}\ngke-code-executor: ${printable(error.message)}`;
  return printable(error instanceof Error ? error.message : String(error));
}

/** What others say, as one line that does nothing to a terminal but to be read there. */
export function printable(text: string): string {
  const line = text.trim().replace(/\s*[\r\n\t]\s*/g, ' ');
  const cut = line.length > shown.characters ? `${line.slice(0, shown.characters)}…` : line;
  return cut.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Tells the user of an error and goes on. */
export function report(error: unknown): void {
  process.stderr.write(`gke-code-executor: ${messageOf(error)}\n`);
}

function readable({ pointer, message }: Problem): string {
  const [, kind = '', name] = pointer.split('/');
  const option = optionOf[`/${kind}`] ?? pointer;
  if (name === undefined) return `${option} ${message}`;
  if (kind === 'env' || kind === 'labels') return `${option} ${name}: ${message}`;
  return kind === 'args' ? `argument ${Number(name) + 1}: ${message}` : `${option} ${message}`;
}
