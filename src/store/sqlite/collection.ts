import { type Document, readDocument, toDocument } from '../document.ts';
import { pageReader } from '../page-reader.ts';
import type { Position } from '../query.ts';
import type { Collection, Created, Parts, Schema, Tombstone } from '../store.ts';
import { createLook } from '../watches.ts';
import type { Connection } from './connection.ts';
import { findRows, type Rows, rowsOf } from './rows.ts';
import type { SqliteWatches } from './watches.ts';

/** A collection whose table is there. */
export function sqliteCollection<T extends { readonly id: string }>(
  schema: Schema<T>,
  connection: Connection,
  watches: SqliteWatches,
  onError?: (error: unknown) => void,
): Collection<T> {
  const readPage = pageReader(schema, onError);
  const rows = rowsOf(schema, connection);
  const key = (id: string) => `${schema.name}/${id}`;

  return {
    async create(item, parts = {}) {
      const document = toDocument(schema, item);
      const result = await connection.write(() => createRow(rows, document, parts));
      if (result.created) watches.changed(key(item.id));
      return result;
    },

    get: (id) => connection.read(() => rows.find(id)),

    tombstone: (id) => connection.read(() => rows.tombstone(id)),

    part: (id, name) => connection.read(() => rows.part(id, name)),

    async update(id, change, parts = {}) {
      const result = await connection.write(() => updateRow(schema, rows, id, change, parts));
      if (result !== undefined && result.after !== result.before) watches.changed(key(id));
      return result;
    },

    async query(query) {
      const find = (last?: Position) => connection.read(() => findRows(connection, schema, query, last));
      return readPage(query, find, ({ id, text }) => readDocument(schema, id, text));
    },

    async remove(id, leaving) {
      await connection.write(() => removeRow(rows, id, leaving));
      watches.changed(key(id));
    },

    watch(id, listener) {
      connection.checkOpen();
      const read = () => {
        try {
          return rows.text(id);
        } catch {
          watches.failed();
          return null;
        }
      };
      return watches.add(key(id), createLook(schema, read, listener));
    },
  };
}

function createRow<T extends { readonly id: string }>(rows: Rows<T>, document: Document<T>, parts: Parts): Created<T> {
  const taken = rows.find(document.item.id);
  if (taken !== undefined) return { created: false, item: taken };
  const tombstone = rows.tombstone(document.item.id);
  if (tombstone !== undefined) return { created: false, tombstone };
  rows.insert(document, parts);
  return { created: true, item: document.item };
}

function removeRow(rows: Pick<Rows<never>, 'remove' | 'bury'>, id: string, leaving: Tombstone | undefined): void {
  if (rows.remove(id) && leaving !== undefined) rows.bury(id, leaving);
}

function updateRow<T extends { readonly id: string }>(
  schema: Schema<T>,
  rows: Rows<T>,
  id: string,
  change: (current: T) => T,
  parts: Parts,
) {
  const before = rows.find(id);
  if (before === undefined) return undefined;
  const changed = change(before);
  if (changed === before) return { before, after: before };
  const document = toDocument(schema, changed);
  rows.replace(document, parts);
  return { before, after: document.item };
}
