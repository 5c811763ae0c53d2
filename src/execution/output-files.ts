import { type FileEntry, packFiles, pathProblem, resultsFile } from './files.ts';
import { sizes } from './limits.ts';

/** Most `**` in a pattern: with more of them a match could take very long. */
const maxDeepWildcards = 2;

/** What is wrong with a pattern of file names, as half a sentence; undefined when nothing is. */
export function globProblem(glob: string): string | undefined {
  const deep = glob.split('/').filter((name) => name.includes('**'));
  if (deep.some((name) => name !== '**')) return 'must have ** only as a whole name';
  if (deep.length > maxDeepWildcards) return `must have ** at most ${maxDeepWildcards} times`;
  return pathProblem(glob);
}

/**
 * The regular expression of paths that any of the patterns names: `*` and `?` stand for characters of one name, `**`
 * for any number of directories (at the end: for everything below). It uses only what Python and JavaScript read alike,
 * which `.` and `$` are not where a name has a line feed.
 */
function globsToRegExp(globs: readonly string[]): string {
  return `^(?:${globs.map(globToRegExp).join('|')})(?!${anything})`;
}

const anything = '[\\s\\S]';

function globToRegExp(glob: string): string {
  const names = glob.split('/');
  return names
    .map((name, index) => {
      const isLast = index === names.length - 1;
      if (name === '**') return isLast ? `${anything}*` : `(?:${anything}*/)?`;
      return `${nameToRegExp(name)}${isLast ? '' : '/'}`;
    })
    .join('');
}

function nameToRegExp(name: string): string {
  return Array.from(name.replace(/\*+/g, '*'), (character) => {
    if (character === '*') return '[^/]*';
    return character === '?' ? '[^/]' : character.replace(/[\\^$.|+(){}[\]]/, '\\$&');
  }).join('');
}

/** Whether any of the patterns names the path. */
export function isNamed(path: string, globs: readonly string[]): boolean {
  return new RegExp(globsToRegExp(globs), 'u').test(path);
}

export interface HandedOut {
  /** Packed. */
  readonly files: Uint8Array;
  /** Files that were named and found no room, or have a name that cannot come back. */
  readonly omittedFiles: number;
}

/** What of a request says which files come back. */
interface Wanted {
  readonly outputFiles: readonly string[];
  readonly maxOutputFileBytes: number;
}

/** The regular expression of the paths that come back. */
export function outputPattern({ outputFiles }: Pick<Wanted, 'outputFiles'>): string {
  return globsToRegExp([...outputFiles, resultsFile]);
}

/** Of the files that a program left, those that its request names, in order of their paths, as far as there is room. */
export function handedOut(left: readonly FileEntry[], request: Wanted): HandedOut {
  const pattern = new RegExp(outputPattern(request), 'u');
  const named = left.filter(({ path }) => pattern.test(path)).sort((a, b) => (a.path < b.path ? -1 : 1));
  const kept: FileEntry[] = [];
  let room = request.maxOutputFileBytes;
  for (const file of named) {
    if (kept.length === sizes.outputFiles.entries || file.bytes.length > room || pathProblem(file.path) !== undefined)
      continue;
    kept.push(file);
    room -= file.bytes.length;
  }
  return { files: packFiles(kept), omittedFiles: named.length - kept.length };
}

/** What names and headers add to files that are packed. */
const namesBytes = sizes.outputFiles.entries * 1_100;

/** The most that the packed files of a request can have. */
export function maxPackedBytes({ maxOutputFileBytes }: Pick<Wanted, 'maxOutputFileBytes'>): number {
  return maxOutputFileBytes === 0 ? 0 : maxOutputFileBytes + namesBytes;
}
