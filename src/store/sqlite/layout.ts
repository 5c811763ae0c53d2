import { randomBytes } from 'node:crypto';
import { UnavailableError } from '../../errors.ts';
import { base32, installationIdBytes } from '../../execution/identity.ts';
import { readDocument } from '../document.ts';
import { layoutVersion, newerLayout } from '../layout-version.ts';
import type { Installation, Schema } from '../store.ts';
import type { Connection } from './connection.ts';

/** Marks a file as ours in its header: the letters "gkce". */
const applicationId = 0x676b6365;

/** Makes what every file has, once, whichever process is first; returns the identity made with it. */
export async function prepareFile(connection: Connection): Promise<Installation> {
  const version = await connection.read(() => checkedVersion(connection));
  // Only now, since it writes into a file that was not in this mode.
  await connection.read(() => connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL'));
  if (version < layoutVersion) await connection.write(() => makeFile(connection));
  return connection.read(() => {
    const { id, secret } = connection.statement('SELECT id, secret FROM _installation').get() ?? {};
    if (typeof id === 'string' && secret instanceof Uint8Array) return { id, secret };
    throw new UnavailableError(`the store ${connection.path} has lost its identity: choose another path`);
  });
}

/** Makes table and indexes of a collection; fields that the schema got since are filled in from the documents. */
export async function prepareCollection<T extends { readonly id: string }>(
  connection: Connection,
  schema: Schema<T>,
): Promise<void> {
  const isThere = `SELECT count(*) AS there FROM sqlite_schema WHERE type = 'index' AND name = ?`;
  const names = schema.queries.map(({ fields }) => indexName(schema.name, fields));
  const complete = await connection.read(() =>
    names.every((name) => connection.statement(isThere).get(name)?.['there'] === 1),
  );
  if (!complete) await connection.write(() => makeCollection(connection, schema));
}

/** The fields that have a column: those that a query compares. */
export function columnsOf(schema: Pick<Schema<never>, 'queries'>): readonly string[] {
  return [...new Set(schema.queries.flatMap(({ fields }) => fields))];
}

/** 0 when the file is new. */
function checkedVersion(connection: Connection): number {
  const { version, owner, tables } =
    connection
      .statement(
        `SELECT user_version AS version, application_id AS owner, (SELECT count(*) FROM sqlite_schema) AS tables
         FROM pragma_user_version, pragma_application_id`,
      )
      .get() ?? {};
  if (tables === 0) return 0;
  if (owner !== applicationId) {
    throw new UnavailableError(`${connection.path} is another program's database: choose another path`);
  }
  if (typeof version !== 'number' || version > layoutVersion) {
    throw newerLayout(`the store ${connection.path}`, version, 'update, or choose another path');
  }
  return version;
}

/** Another process may have made the file since it was looked at, so every step minds what is there. */
function makeFile(connection: Connection): void {
  if (checkedVersion(connection) === layoutVersion) return;
  connection.exec(`
    CREATE TABLE IF NOT EXISTS _installation (id TEXT NOT NULL, secret BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS _parts (
      collection TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, bytes BLOB NOT NULL,
      PRIMARY KEY (collection, id, name)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS _tombstones (
      collection TEXT NOT NULL, id TEXT NOT NULL, body_hash TEXT NOT NULL, expires_at INTEGER NOT NULL,
      PRIMARY KEY (collection, id)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS "_tombstones by expires_at" ON _tombstones (expires_at);
    PRAGMA application_id = ${applicationId};
    PRAGMA user_version = ${layoutVersion}`);
  connection
    .statement('INSERT INTO _installation SELECT ?, ? WHERE NOT EXISTS (SELECT * FROM _installation)')
    .run(base32(randomBytes(installationIdBytes)), randomBytes(32));
}

function makeCollection<T extends { readonly id: string }>(connection: Connection, schema: Schema<T>): void {
  connection.exec(
    `CREATE TABLE IF NOT EXISTS "${schema.name}" (
       id TEXT PRIMARY KEY NOT NULL, _order REAL NOT NULL, _document TEXT NOT NULL
     ) STRICT`,
  );
  const known = connection.statement('SELECT name FROM pragma_table_info(?)').all(schema.name);
  const missing = columnsOf(schema).filter((column) => !known.some(({ name }) => name === column));
  for (const column of missing) {
    connection.exec(`ALTER TABLE "${schema.name}" ADD COLUMN "${column}" TEXT NOT NULL DEFAULT ''`);
  }
  if (missing.length > 0) fillIn(connection, schema, missing);
  for (const { fields } of schema.queries) {
    const columns = [...fields, '_order', 'id'].map((column) => `"${column}"`).join(', ');
    connection.exec(`CREATE INDEX IF NOT EXISTS "${indexName(schema.name, fields)}" ON "${schema.name}" (${columns})`);
  }
}

function fillIn<T extends { readonly id: string }>(
  connection: Connection,
  schema: Schema<T>,
  columns: readonly string[],
): void {
  const set = columns.map((column) => `"${column}" = ?`).join(', ');
  const update = connection.statement(`UPDATE "${schema.name}" SET ${set} WHERE id = ?`);
  const read = connection.statement(`SELECT _document FROM "${schema.name}" WHERE id = ?`);
  for (const { id } of connection.statement(`SELECT id FROM "${schema.name}"`).all()) {
    const text = read.get(String(id))?.['_document'];
    const fields = schema.fields(readDocument(schema, String(id), String(text)));
    update.run(...valuesOf(schema.name, columns, fields), String(id));
  }
}

/** The values of a document's columns. */
export function valuesOf(
  collection: string,
  columns: readonly string[],
  fields: Readonly<Record<string, string>>,
): string[] {
  return columns.map((column) => {
    const value = fields[column];
    if (value === undefined) throw new Error(`${collection}: a query compares ${column}, which fields() does not give`);
    return value;
  });
}

function indexName(collection: string, fields: readonly string[]): string {
  return `${collection} by ${[...fields, 'order'].join(', ')}`;
}
