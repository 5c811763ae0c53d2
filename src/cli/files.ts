import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type FileEntry, pathProblem } from '../execution/files.ts';
import { CliError } from './errors.ts';

export interface InputFile {
  readonly path: string;
  readonly contentBase64: string;
}

/**
 * Reads the files that a program gets. Each argument is a file, or a directory with all below it, and is found in the
 * work directory under its own name, or under the one after `=`. Links are followed only when they are named.
 */
export function readInputFiles(args: readonly string[]): readonly InputFile[] {
  return args.flatMap((arg) => {
    const at = arg.lastIndexOf('=');
    const from = at < 0 ? arg : arg.slice(0, at);
    const name = at < 0 ? basename(from) : arg.slice(at + 1);
    return readTree(from, name);
  });
}

function readTree(from: string, path: string): InputFile[] {
  try {
    const stat = lstatSync(from);
    if (!stat.isDirectory()) return [{ path, contentBase64: readFileSync(from).toString('base64') }];
    return readdirSync(from, { withFileTypes: true })
      .filter((entry) => entry.isFile() || entry.isDirectory())
      .flatMap(({ name }) => readTree(join(from, name), path === '.' ? name : `${path}/${name}`));
  } catch (error) {
    throw new CliError(`cannot read ${from}: ${error instanceof Error ? error.message : error}`);
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
