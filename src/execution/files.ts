import type { Language } from './execution.ts';

/** The name that a program's code has in its work directory. */
export const mainFiles: Readonly<Record<Language, string>> = {
  python: 'main.py',
  javascript: 'main.js',
  typescript: 'main.ts',
  shell: 'main.sh',
};

/**
 * Where a program puts its results, a MIME bundle in each line. It comes back without being asked for.
 */
export const resultsFile = '.results.jsonl';

/** A file of a program's work directory. */
export interface FileEntry {
  /** Relative to the work directory, with `/` between its names, see `pathProblem`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const nul = 0;
const lineFeed = 10;
const lengths = { name: 255, path: 1024 };
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** What is wrong with the path of a file, as half a sentence; undefined when nothing is. */
export function pathProblem(path: string): string | undefined {
  const names = path.split('/');
  if (!path.isWellFormed() || hasControls(path)) return 'must not contain control characters or lone surrogates';
  if (path.startsWith('/')) return 'must be relative';
  if (names.some((name) => name === '' || name === '.' || name === '..')) return 'must not have empty, . or .. in it';
  if (names.some((name) => encoder.encode(name).length > lengths.name)) {
    return `must have names of at most ${lengths.name} bytes`;
  }
  return encoder.encode(path).length > lengths.path ? `must have at most ${lengths.path} bytes` : undefined;
}

function hasControls(text: string): boolean {
  return Array.from(text).some((character) => character < ' ' || character === '\u007f');
}

/** Files as one sequence of bytes: of each `file <length>\n`, then its path, NUL and its bytes in that length, then LF. */
export function packFiles(files: readonly FileEntry[]): Uint8Array {
  return Buffer.concat(
    files.flatMap(({ path, bytes }) => {
      const name = encoder.encode(path);
      return [Buffer.from(`file ${name.length + 1 + bytes.length}\n`), name, Uint8Array.of(nul), bytes, newLine];
    }),
  );
}

const newLine = Uint8Array.of(lineFeed);

/**
 * Takes packed files apart, whoever packed them: ends at the first byte that does not fit, and leaves out what has no
 * right path or one that was there before. Never throws; the bytes are views.
 */
export function unpackFiles(packed: Uint8Array): readonly FileEntry[] {
  const files = new Map<string, FileEntry>();
  for (const body of bodiesOf(packed)) {
    const file = fileIn(body);
    if (file !== undefined && !files.has(file.path)) files.set(file.path, file);
  }
  return Array.from(files.values());
}

/** How many packed files `unpackFiles` leaves out. */
export function leftOut(packed: Uint8Array): number {
  return Array.from(bodiesOf(packed)).length - unpackFiles(packed).length;
}

function* bodiesOf(packed: Uint8Array): Generator<Uint8Array> {
  let at = 0;
  for (let header = headerAt(packed, at); header !== undefined; header = headerAt(packed, at)) {
    at = header.start + header.length + 1;
    if (packed[at - 1] !== lineFeed) return;
    yield packed.subarray(header.start, at - 1);
  }
}

const headerPattern = /^file (\d{1,9})\n/;
const longestHeader = 16;

function headerAt(packed: Uint8Array, at: number): { readonly start: number; readonly length: number } | undefined {
  const text = Buffer.from(packed.subarray(at, at + longestHeader)).toString('latin1');
  const [header, length] = headerPattern.exec(text) ?? [];
  return header === undefined ? undefined : { start: at + header.length, length: Number(length) };
}

function fileIn(body: Uint8Array): FileEntry | undefined {
  const end = body.indexOf(nul);
  const name = body.subarray(0, Math.max(0, end));
  const path = decoder.decode(name);
  // What is not UTF-8 was decoded to the replacement character, which a name may have as well.
  if (pathProblem(path) !== undefined || !Buffer.from(path).equals(name)) return undefined;
  return { path, bytes: body.subarray(end + 1) };
}
