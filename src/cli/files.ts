import { constants, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readBounded } from '../bounded.ts';
import { type FileEntry, pathProblem } from '../execution/files.ts';
import { sizes } from '../execution/limits.ts';
import { CliError } from './errors.ts';
import { tooLarge, unreadable } from './input.ts';

export interface InputFile {
  readonly path: string;
  readonly contentBase64: string;
}

/**
 * Reads the files that a program gets. Each argument is a file, or a directory with all below it, and is found in the
 * work directory under its own name, or under the one after `=`. Links are followed only when they are named. Ends soon
 * after it has more than a request can.
 */
export async function readInputFiles(args: readonly string[]): Promise<readonly InputFile[]> {
  const files: InputFile[] = [];
  let left: number = sizes.bundleBytes;
  for (const arg of args) {
    for (const { from, path } of tree(placeOf(arg))) {
      const bytes = await readFile(from, left);
      left -= bytes.length;
      files.push({ path, contentBase64: bytes.toString('base64') });
      if (files.length > sizes.files.entries) return files;
    }
  }
  return files;
}

interface Place {
  readonly from: string;
  /** In the work directory. */
  readonly path: string;
}

function placeOf(arg: string): Place {
  const at = arg.lastIndexOf('=');
  const from = at < 0 ? arg : arg.slice(0, at);
  if (at >= 0 && !existsSync(from) && existsSync(arg)) {
    throw new CliError(
      `cannot read ${from}: there is no such file; for the file ${arg} itself, give --file ${arg}=NAME`,
    );
  }
  return { from, path: at < 0 ? basename(from) : arg.slice(at + 1) };
}

/** The files at a place; directories are opened one by one as the files are taken. */
function* tree({ from, path }: Place): Generator<Place> {
  const entries = entriesOf(from);
  if (entries === undefined) yield { from, path };
  for (const { name } of entries ?? []) {
    // What is not UTF-8 was decoded to the replacement character.
    if (name.includes('\ufffd') && !existsSync(join(from, name))) {
      throw new CliError(`cannot read ${join(from, name)}: its name is not UTF-8; rename it`);
    }
    yield* tree({ from: join(from, name), path: path === '.' ? name : `${path}/${name}` });
  }
}

/** Undefined where there is no directory. */
function entriesOf(from: string) {
  try {
    if (!lstatSync(from).isDirectory()) return undefined;
    return readdirSync(from, { withFileTypes: true }).filter((entry) => entry.isFile() || entry.isDirectory());
  } catch (error) {
    throw unreadable(from, error);
  }
}

async function readFile(from: string, maximumBytes: number): Promise<Buffer> {
  try {
    // A pipe must not be waited for until someone writes to it.
    const file = await open(from, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) throw new Error('it is not a regular file');
      const bytes = await readBounded(file.createReadStream({ autoClose: false }), maximumBytes);
      if (bytes === undefined) throw tooLarge('--file');
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof CliError ? error : unreadable(from, error);
  }
}

/**
 * Writes files below a directory, which is made when it is not there. Whoever named them is not trusted: none leads out
 * of it, by its path or by a link that lies there.
 */
export function writeOutputFiles(directory: string, files: readonly FileEntry[]): void {
  for (const { path } of files) {
    const problem = pathProblem(path);
    if (problem === undefined) continue;
    throw new CliError(`cannot write ${JSON.stringify(path)}: the path of an output file ${problem}`);
  }
  for (const { path, bytes } of files) {
    const to = join(directory, path);
    try {
      refuseLinks(directory, path);
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, bytes);
    } catch (error) {
      throw new CliError(`cannot write ${to}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

function refuseLinks(directory: string, path: string): void {
  let at = directory;
  for (const name of path.split('/')) {
    at = join(at, name);
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) throw new Error(`${at} is a symbolic link`);
  }
}
