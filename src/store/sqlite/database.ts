import { resolve } from 'node:path';
import type { Collection, Installation, Schema } from '../store.ts';
import { sqliteCollection } from './collection.ts';
import { openConnection } from './connection.ts';
import { prepareCollection, prepareFile } from './layout.ts';
import { sqliteWatches } from './watches.ts';

/** A file of collections. */
export interface Database {
  readonly installation: Installation;
  /** Makes the collection if the file has none of that name. `onError` hears of what its queries leave out. */
  collection<T extends { readonly id: string }>(
    schema: Schema<T>,
    onError?: (error: unknown) => void,
  ): Promise<Collection<T>>;
  close(): void;
}

export async function openDatabase(path: string, lockWaitMs: number): Promise<Database> {
  const connection = openConnection(resolve(path), lockWaitMs);
  try {
    const installation = await prepareFile(connection);
    const watches = sqliteWatches(connection);
    return {
      installation,
      async collection(schema, onError) {
        await prepareCollection(connection, schema);
        return sqliteCollection(schema, connection, watches, onError);
      },
      close() {
        watches.clear();
        connection.close();
      },
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}
