import { isAbsolute, join } from 'node:path';
import { UnavailableError } from '../errors.ts';
import { executions, leases, type Store } from './executions.ts';
import { openDatabase } from './sqlite/database.ts';

export interface SqliteOptions {
  /** The file; made with its directory, for this user alone, when it is not there. */
  readonly path: string;
  /** How long to wait for another process's write before giving up. Milliseconds; default: 5000. */
  readonly lockWaitMs?: number;
  /** Hears once of each execution that does not parse, which queries then leave out; default: they throw. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export interface SqliteStore extends Store {
  /** Ends the watches; every call after it throws. */
  close(): void;
}

/**
 * A store in one file that any number of processes on this machine may share. Survives kill -9; a power cut may take
 * the last moments before it, never a part of a change. Throws UnavailableError, which names the fix, when the file
 * cannot be used, and works again when it can.
 */
export async function sqliteStore({ path, lockWaitMs = 5000, onError }: SqliteOptions): Promise<SqliteStore> {
  const database = await openDatabase(path, lockWaitMs);
  try {
    return {
      installation: database.installation,
      executions: await database.collection(executions, onError),
      // None of them is left out: the process whose lease it is would be taken for dead.
      leases: await database.collection(leases),
      close: database.close,
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Where the store is when nobody says: the XDG state directory. */
export function defaultStorePath(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_STATE_HOME: state = '', HOME: home = '', USERPROFILE: profile = '' } = env;
  const file = join('gke-code-executor', 'executions.sqlite');
  // The XDG specification says to ignore a relative path.
  if (isAbsolute(state)) return join(state, file);
  const owner = home || profile;
  if (owner === '')
    throw new UnavailableError('no directory for the store: set HOME or XDG_STATE_HOME, or give a path');
  return join(owner, '.local', 'state', file);
}
