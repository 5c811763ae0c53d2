import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../../errors.ts';
import { explain, isBusy } from './unavailable.ts';

/** An open file, and the two ways to work on it; both try again while another process holds the lock. */
export interface Connection {
  readonly path: string;
  /** Throws after `close`, as reading and writing do. */
  checkOpen(): void;
  /** Prepares once. */
  statement(sql: string): StatementSync;
  exec(sql: string): void;
  read<R>(work: () => R): Promise<R>;
  /** Runs `work` in a transaction, which is undone when it throws. */
  write<R>(work: () => R): Promise<R>;
  close(): void;
}

/** Milliseconds that SQLite itself waits for a lock; the event loop stands still meanwhile, so it is not much. */
const blockingWaitMs = 50;

/** Opens the file, made privately with its directory when it is not there; waits `lockWaitMs` for a lock, then throws. */
export function openConnection(path: string, lockWaitMs: number): Connection {
  const database = openFile(path);
  const statements = new Map<string, StatementSync>();

  const checkOpen = () => {
    if (!database.isOpen) throw new UnavailableError(`the store ${path} was closed: open it again`);
  };
  const whenFree = async <R>(work: () => R): Promise<R> => {
    const giveUpAt = performance.now() + lockWaitMs;
    for (;;) {
      checkOpen();
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || performance.now() >= giveUpAt) throw explain(error, path);
      }
      await sleep(5 + 20 * Math.random());
    }
  };

  return {
    path,
    checkOpen,
    statement(sql) {
      const statement = statements.get(sql) ?? database.prepare(sql);
      statements.set(sql, statement);
      return statement;
    },
    exec: (sql) => database.exec(sql),
    read: whenFree,
    write: (work) => whenFree(() => transaction(database, work)),
    close: () => {
      if (database.isOpen) database.close();
    },
  };
}

function openFile(path: string): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    createPrivately(path);
    const { DatabaseSync } = loadDriver();
    return new DatabaseSync(path, { timeout: blockingWaitMs });
  } catch (error) {
    throw explain(error, path);
  }
}

/**
 * SQLite would let the umask decide; its -wal and -shm files take the mode of the file. An existing file must not even be
 * opened here: closing it would drop the locks that this process holds on it (https://sqlite.org/howtocorrupt.html §2.2).
 */
function createPrivately(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw new UnavailableError(`the store ${path} is a directory: choose the path of a file`);
  if (found !== undefined) return;
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    const madeMeanwhile = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!madeMeanwhile) throw error;
  }
}

/** Node 22 warns on loading that the module is experimental, which a user can do nothing about; Node 24.21 does not. */
function loadDriver(): typeof import('node:sqlite') {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

function transaction<R>(database: DatabaseSync, work: () => R): R {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK');
  }
}
