import { createReadStream, fstatSync } from 'node:fs';
import { readBounded } from '../bounded.ts';
import { sizes } from '../execution/limits.ts';
import { CliError } from './errors.ts';

/** Reads a file, or standard input for `-`; `what` is the part of the request that it is to be. */
export async function readInput(what: string, file: string): Promise<Buffer> {
  const read = () => readBounded(file === '-' ? standardInput() : createReadStream(file), sizes.bundleBytes);
  const bytes = await read().catch((error: unknown) => {
    throw unreadable(file === '-' ? 'standard input' : file, error);
  });
  if (bytes === undefined) throw tooLarge(what);
  return bytes;
}

/** A read of its descriptor would fail while nothing has come: it does not block here. */
function standardInput(): AsyncIterable<Buffer> {
  // As which `process.stdin` is empty.
  const isDirectory = fstatSync(0).isDirectory();
  return isDirectory ? createReadStream('', { fd: 0 }) : process.stdin;
}

export function unreadable(file: string, error: unknown): CliError {
  return new CliError(`cannot read ${file}: ${error instanceof Error ? error.message : error}`);
}

/** The request would be refused with the same words, but what has no end cannot become one. */
export function tooLarge(what: string): CliError {
  return new CliError(
    `${what} must be smaller: code, stdin, files, args and env together may have ${sizes.bundleBytes} bytes`,
  );
}
