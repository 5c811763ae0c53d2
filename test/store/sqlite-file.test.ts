import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../src/errors.ts';
import { executions, leases } from '../../src/store/executions.ts';
import { layoutVersion } from '../../src/store/layout-version.ts';
import { openConnection } from '../../src/store/sqlite/connection.ts';
import { selection } from '../../src/store/sqlite/rows.ts';
import { defaultStorePath, sqliteStore } from '../../src/store/sqlite.ts';
import { directions, type Query, type Schema } from '../../src/store/store.ts';
import { type Thing, thing, things } from '../contracts/store/things.ts';
import { opener, temporaryDirectory } from './files.ts';

const everything: Query = { equal: {}, direction: 'ascending', limit: 10 };

describe('the file', () => {
  test('is for its user alone, as is a directory made for it', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'new', 'deeper', 'store.sqlite');
    const store = await sqliteStore({ path });
    await store.leases.create({ id: 'p', expiresAt: 1 });
    const modes = ['..', '.', 'store.sqlite', 'store.sqlite-wal', 'store.sqlite-shm'].map(async (name) => {
      const { mode } = await stat(join(path, '..', name));
      return (mode & 0o777).toString(8);
    });
    expect(await Promise.all(modes)).toEqual(['700', '700', '600', '600', '600']);
    store.close();
  });

  test('keeps the mode it was given', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'store.sqlite');
    (await sqliteStore({ path })).close();
    await chmod(path, 0o640);
    (await sqliteStore({ path })).close();
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  test('keeps its identity and its documents when it is opened again', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'store.sqlite');
    const first = await sqliteStore({ path });
    expect(first.installation.id).toMatch(/^[a-z2-7]{8}$/);
    expect(first.installation.secret).toHaveLength(32);
    await first.leases.create({ id: 'p', expiresAt: 1 });
    first.close();
    const second = await sqliteStore({ path });
    expect(second.installation).toEqual(first.installation);
    expect(await second.leases.get('p')).toEqual({ id: 'p', expiresAt: 1 });
    second.close();
    const elsewhere = await sqliteStore({ path: join(directory.path, 'other.sqlite') });
    expect(elsewhere.installation.id).not.toBe(first.installation.id);
    expect(elsewhere.installation.secret).not.toEqual(first.installation.secret);
    elsewhere.close();
  });

  test('has the layout of its version: when this gets more, raise layoutVersion', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'store.sqlite');
    (await sqliteStore({ path })).close();
    using database = new DatabaseSync(path, { readOnly: true });
    const rows = database
      .prepare('SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name')
      .all();
    const layout = rows.map(({ sql }) => String(sql).replaceAll(/\s+/g, ' '));
    expect({ layoutVersion, layout }).toMatchInlineSnapshot(`
      {
        "layout": [
          "CREATE TABLE _installation (id TEXT NOT NULL, secret BLOB NOT NULL) STRICT",
          "CREATE TABLE _parts ( collection TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (collection, id, name) ) STRICT",
          "CREATE TABLE _tombstones ( collection TEXT NOT NULL, id TEXT NOT NULL, body_hash TEXT NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (collection, id) ) STRICT",
          "CREATE INDEX "_tombstones by expires_at" ON _tombstones (expires_at)",
          "CREATE TABLE "executions" ( id TEXT PRIMARY KEY NOT NULL, _order REAL NOT NULL, _document TEXT NOT NULL , "state" TEXT NOT NULL DEFAULT '', "target" TEXT NOT NULL DEFAULT '', "owner" TEXT NOT NULL DEFAULT '', "open" TEXT NOT NULL DEFAULT '') STRICT",
          "CREATE INDEX "executions by open, order" ON "executions" ("open", "_order", "id")",
          "CREATE INDEX "executions by open, target, order" ON "executions" ("open", "target", "_order", "id")",
          "CREATE INDEX "executions by order" ON "executions" ("_order", "id")",
          "CREATE INDEX "executions by state, order" ON "executions" ("state", "_order", "id")",
          "CREATE INDEX "executions by state, target, owner, order" ON "executions" ("state", "target", "owner", "_order", "id")",
          "CREATE TABLE "leases" ( id TEXT PRIMARY KEY NOT NULL, _order REAL NOT NULL, _document TEXT NOT NULL ) STRICT",
          "CREATE INDEX "leases by order" ON "leases" ("_order", "id")",
        ],
        "layoutVersion": 2,
      }
    `);
  });

  test('of the version before gets room for tombstones', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'store.sqlite');
    (await sqliteStore({ path })).close();
    new DatabaseSync(path).exec('DROP TABLE _tombstones; PRAGMA user_version = 1');
    using files = opener(path);
    const store = await (await files.open()).collection(things);
    await store.create(thing('a'));
    const tombstone = { bodyHash: 'h', expiresAt: Date.now() + 60_000 };
    await store.remove('a', tombstone);
    expect(await store.create(thing('a'))).toEqual({ created: false, tombstone });
  });

  test('gets the fields that a schema has since it was written', async () => {
    await using directory = await temporaryDirectory();
    using files = opener(join(directory.path, 'store.sqlite'));
    const before: Schema<Thing> = { ...things, fields: () => ({}), queries: [{ fields: [], directions }] };
    const old = await (await files.open()).collection(before);
    await old.create(thing('a', { color: 'red' }));
    await old.create(thing('b', { color: 'blue' }));
    files.close();
    const now = await (await files.open()).collection(things);
    expect((await now.query({ ...everything, equal: { color: 'blue' } })).items).toEqual([
      thing('b', { color: 'blue' }),
    ]);
    await now.create(thing('c', { color: 'blue', at: 2000 }));
    expect((await now.query({ ...everything, equal: { color: 'blue', size: 'small' } })).items).toHaveLength(2);
  });

  test('is not touched when a newer program wrote it', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'store.sqlite');
    (await sqliteStore({ path })).close();
    new DatabaseSync(path).exec(`PRAGMA user_version = ${layoutVersion + 1}`);
    const refused = sqliteStore({ path });
    await expect(refused).rejects.toThrow(UnavailableError);
    await expect(refused).rejects.toThrow(
      `the store ${path} was written by a newer gke-code-executor (layout ${layoutVersion + 1}, this program knows ${layoutVersion}): update, or choose another path`,
    );
  });

  test("is not touched when it is another program's", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'places.sqlite');
    new DatabaseSync(path).exec('CREATE TABLE bookmarks (url TEXT)');
    await expect(sqliteStore({ path })).rejects.toThrow(
      new UnavailableError(`${path} is another program's database: choose another path`),
    );
    using database = new DatabaseSync(path);
    expect(database.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'bookmarks' }]);
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' });
  });
});

describe('every declared query', () => {
  const declared = [executions, leases].flatMap(({ name, queries }) => queries.map((query) => ({ name, ...query })));

  test.each(declared)('of $name by $fields is answered from its own index', async ({ name, fields, directions }) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'store.sqlite');
    (await sqliteStore({ path })).close();
    const equal = Object.fromEntries(fields.map((field) => [field, 'x']));
    const connection = openConnection(path, 1000);
    for (const direction of directions) {
      const { sql, values } = selection(name === 'leases' ? leases : executions, { equal, direction, limit: 10 });
      const plan = connection.statement(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
      expect(plan).toHaveLength(1);
      expect(plan[0]?.['detail']).toContain(`USING INDEX ${name} by ${[...fields, 'order'].join(', ')}`);
    }
    connection.close();
  });
});

describe('defaultStorePath', () => {
  const file = 'gke-code-executor/executions.sqlite';

  test.each([
    { env: { XDG_STATE_HOME: '/state', HOME: '/home/u' }, path: `/state/${file}` },
    { env: { HOME: '/home/u' }, path: `/home/u/.local/state/${file}` },
    { env: { XDG_STATE_HOME: '', HOME: '/home/u' }, path: `/home/u/.local/state/${file}` },
    { env: { XDG_STATE_HOME: 'relative', HOME: '/home/u' }, path: `/home/u/.local/state/${file}` },
    { env: { USERPROFILE: '/users/u' }, path: `/users/u/.local/state/${file}` },
  ])('of $env is $path', ({ env, path }) => {
    expect(defaultStorePath(env)).toBe(path);
  });

  test('says what to set when there is no home', () => {
    expect(() => defaultStorePath({})).toThrow(
      new UnavailableError('no directory for the store: set HOME or XDG_STATE_HOME, or give a path'),
    );
  });
});

test('a path that looks like a URI or like :memory: is a file all the same', async () => {
  await using directory = await temporaryDirectory();
  const before = process.cwd();
  await mkdir(join(directory.path, 'here'));
  process.chdir(join(directory.path, 'here'));
  try {
    for (const path of [':memory:', 'file:x?mode=memory']) {
      const [one, two] = [await sqliteStore({ path }), await sqliteStore({ path })];
      expect(one.installation).toEqual(two.installation);
      one.close();
      two.close();
      expect((await stat(join(directory.path, 'here', path))).isFile()).toBe(true);
    }
  } finally {
    process.chdir(before);
  }
});
