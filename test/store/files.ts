import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, openDatabase } from '../../src/store/sqlite/database.ts';

export async function temporaryDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'store-'));
  const remove = () => rm(path, { recursive: true });
  return { path, remove, [Symbol.asyncDispose]: remove };
}

/** Opens a file any number of times, and closes all of them. */
export function opener(path: string, lockWaitMs = 5000) {
  const opened: Database[] = [];
  const close = () => {
    for (const database of opened.splice(0)) database.close();
  };
  return {
    open: async () => {
      const database = await openDatabase(path, lockWaitMs);
      opened.push(database);
      return database;
    },
    close,
    [Symbol.dispose]: close,
  };
}
