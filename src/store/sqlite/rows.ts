import { type Document, readDocument } from '../document.ts';
import { type Declared, type Position, startOf } from '../query.ts';
import type { Parts, Query, Schema, Tombstone } from '../store.ts';
import type { Connection } from './connection.ts';
import { columnsOf, valuesOf } from './layout.ts';

/** The rows of a collection's documents and parts; transactions are the caller's. */
export interface Rows<T extends { readonly id: string }> {
  text(id: string): string | undefined;
  find(id: string): T | undefined;
  part(id: string, name: string): Uint8Array | undefined;
  insert(document: Document<T>, parts: Parts): void;
  /** Parts that are not given stay. */
  replace(document: Document<T>, parts: Parts): void;
  /** False when there is no such item. */
  remove(id: string): boolean;
  /** Undefined when there is none, or it expired. */
  tombstone(id: string): Tombstone | undefined;
  /** Also takes away those that expired, of any collection. */
  bury(id: string, tombstone: Tombstone): void;
}

export function rowsOf<T extends { readonly id: string }>(schema: Schema<T>, connection: Connection): Rows<T> {
  const { name } = schema;
  const columns = columnsOf(schema);
  const written = ['_order', '_document', ...columns].map((column) => `"${column}"`);
  const insertSql = `INSERT INTO "${name}" (${written.join(', ')}, id) VALUES (${'?, '.repeat(written.length)}?)`;
  const replaceSql = `UPDATE "${name}" SET ${written.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`;

  const write = (sql: string, { item, order, text, fields }: Document<T>, parts: Parts) => {
    connection.statement(sql).run(order, text, ...valuesOf(name, columns, fields), item.id);
    for (const [part, bytes] of Object.entries(parts)) connection.statement(writePart).run(name, item.id, part, bytes);
  };
  const text = (id: string) => {
    const found = connection.statement(`SELECT _document FROM "${name}" WHERE id = ?`).get(id)?.['_document'];
    return typeof found === 'string' ? found : undefined;
  };

  return {
    text,
    find(id) {
      const found = text(id);
      return found === undefined ? undefined : readDocument(schema, id, found);
    },
    part(id, part) {
      const bytes = connection.statement(readPart).get(name, id, part)?.['bytes'];
      return bytes instanceof Uint8Array ? bytes : undefined;
    },
    insert: (document, parts) => write(insertSql, document, parts),
    replace: (document, parts) => write(replaceSql, document, parts),
    remove(id) {
      const { changes } = connection.statement(`DELETE FROM "${name}" WHERE id = ?`).run(id);
      connection.statement('DELETE FROM _parts WHERE collection = ? AND id = ?').run(name, id);
      return Number(changes) > 0;
    },
    tombstone(id) {
      const { body_hash: bodyHash, expires_at: expiresAt } =
        connection.statement(readTombstone).get(name, id, Date.now()) ?? {};
      return typeof bodyHash === 'string' && typeof expiresAt === 'number' ? { bodyHash, expiresAt } : undefined;
    },
    bury(id, { bodyHash, expiresAt }) {
      connection.statement('DELETE FROM _tombstones WHERE expires_at <= ?').run(Date.now());
      connection.statement(writeTombstone).run(name, id, bodyHash, expiresAt);
    },
  };
}

const readPart = 'SELECT bytes FROM _parts WHERE collection = ? AND id = ? AND name = ?';
// Node.js 22 binds an empty array as NULL.
const writePart = "INSERT OR REPLACE INTO _parts (collection, id, name, bytes) VALUES (?, ?, ?, coalesce(?, x''))";

const readTombstone =
  'SELECT body_hash, expires_at FROM _tombstones WHERE collection = ? AND id = ? AND expires_at > ?';
const writeTombstone = 'INSERT OR REPLACE INTO _tombstones (collection, id, body_hash, expires_at) VALUES (?, ?, ?, ?)';

/** Finds one document more than the page holds, from where the query starts or after `last`. */
export function findRows(connection: Connection, schema: Declared, query: Query, last?: Position) {
  const { sql, values } = selection(schema, query, last);
  const found = connection.statement(sql).all(...values);
  return found.map(({ id, _order, _document }) => ({
    id: String(id),
    order: Number(_order),
    text: String(_document),
  }));
}

/** Makes the statement of a query. */
export function selection(schema: Declared, query: Query, last?: Position) {
  const start = last ?? startOf(schema, query);
  const [direction, beyond] = query.direction === 'ascending' ? ['ASC', '>'] : ['DESC', '<'];
  const conditions = Object.keys(query.equal).map((field) => `"${field}" = ?`);
  if (start !== undefined) conditions.push(`(_order, id) ${beyond} (?, ?)`);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return {
    sql: `SELECT id, _order, _document FROM "${schema.name}" ${where} ORDER BY _order ${direction}, id ${direction} LIMIT ?`,
    values: [...Object.values(query.equal), ...(start === undefined ? [] : [start.order, start.id]), query.limit + 1],
  };
}
