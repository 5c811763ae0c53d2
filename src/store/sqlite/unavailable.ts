import { accessSync, constants, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnavailableError } from '../../errors.ts';

/** Primary result codes of SQLite (https://sqlite.org/rescode.html); extended codes carry them in their low byte. */
const sqlite = {
  busy: 5,
  locked: 6,
  readonly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
};

/** The -shm file grows by this much at a time. */
const shmBytes = 32 * 1024;

/** Another process holds the lock: to be tried again. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === sqlite.busy || code === sqlite.locked;
}

/** Says in one sentence what is wrong with the store and how to cure it; an error that no user can cure stays as it is. */
export function explain(error: unknown, path: string): unknown {
  const sentence = sentenceFor(error, path);
  return sentence === undefined ? error : new UnavailableError(sentence, { cause: error });
}

function sentenceFor(error: unknown, path: string): string | undefined {
  const code = sqliteCode(error) ?? fileCode(error);
  if (code === sqlite.ioError || code === sqlite.cannotOpen) {
    return sentenceOf(fileTrouble(path), path) ?? unusable(error, path);
  }
  return sentenceOf(code, path) ?? (typeof code === 'string' ? unusable(error, path) : undefined);
}

function sentenceOf(code: number | string | undefined, path: string): string | undefined {
  switch (code) {
    case sqlite.busy:
    case sqlite.locked:
      return `the store ${path} is locked by another process: end the process that holds it, then try again`;
    case sqlite.full:
    case 'ENOSPC':
    case 'EDQUOT':
      return `the disk of the store ${path} is full: free some space, then try again; nothing was stored`;
    case sqlite.readonly:
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `the store ${path} cannot be written: make it and its directory writable, or choose another path`;
    case sqlite.corrupt:
      return `the store ${path} is damaged: restore a backup, or move it away with its -wal and -shm files to start anew`;
    case sqlite.notADatabase:
      return `${path} is not a store of gke-code-executor: choose another path`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `the directory of the store ${path} cannot be made, a file is in its place: choose another path`;
    default:
      return undefined;
  }
}

/** SQLite speaks of I/O, or of opening, when its -wal and -shm files find no room or may not be made: look for the reason. */
function fileTrouble(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize < shmBytes ? 'ENOSPC' : undefined;
  } catch (error) {
    return fileCode(error);
  }
}

function unusable(error: unknown, path: string): string {
  const why = error instanceof Error ? error.message : String(error);
  return `the store ${path} cannot be used (${why}): check its disk, or choose another path`;
}

function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error && 'errcode' in error && typeof error.errcode === 'number')) return undefined;
  return error.errcode & 0xff;
}

function fileCode(error: unknown): string | undefined {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
