import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { UnavailableError } from '../../src/errors.ts';
import { sqliteCollection } from '../../src/store/sqlite/collection.ts';
import { openConnection } from '../../src/store/sqlite/connection.ts';
import { prepareCollection, prepareFile } from '../../src/store/sqlite/layout.ts';
import { sqliteWatches } from '../../src/store/sqlite/watches.ts';
import { sqliteStore } from '../../src/store/sqlite.ts';
import { thing, things } from '../contracts/store/things.ts';
import { storeContract } from '../contracts/store.ts';
import { opener, temporaryDirectory } from './files.ts';

storeContract('sqlite', async () => {
  const directory = await temporaryDirectory();
  const { open, close } = opener(join(directory.path, 'store.sqlite'));
  return {
    open: async (...given) => (await open()).collection(...given),
    close: async () => {
      close();
      await directory.remove();
    },
  };
});

describe('close', () => {
  test('makes every call after it say so, and may be called twice', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'store.sqlite');
    const store = await sqliteStore({ path });
    store.close();
    store.close();
    const closed = new UnavailableError(`the store ${path} was closed: open it again`);
    await expect(store.leases.get('p')).rejects.toThrow(closed);
    await expect(store.leases.create({ id: 'p', expiresAt: 1 })).rejects.toThrow(closed);
    expect(() => store.leases.watch('p', () => {})).toThrow(closed);
  });

  test('ends the watches, those of changes that were just made too', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'store.sqlite');
    const [store, other] = [await sqliteStore({ path }), await sqliteStore({ path })];
    const told: unknown[] = [];
    await store.leases.create({ id: 'p', expiresAt: 1 });
    store.leases.watch('p', (lease) => told.push(lease));
    store.close();
    await other.leases.update('p', () => ({ id: 'p', expiresAt: 2 }));
    const heard = Promise.withResolvers<unknown>();
    other.leases.watch('p', heard.resolve);
    expect(await heard.promise).toEqual({ id: 'p', expiresAt: 2 });
    expect(told).toEqual([]);
    other.close();
  });
});

test('a watch whose read failed looks again, though nothing changes', async () => {
  await using directory = await temporaryDirectory();
  const connection = openConnection(join(directory.path, 'store.sqlite'), 1000);
  await prepareFile(connection);
  await prepareCollection(connection, things);
  const state = { broken: false };
  const statement = (sql: string) => {
    if (state.broken && sql.startsWith('SELECT _document')) throw new Error('disk I/O error');
    return connection.statement(sql);
  };
  const watches = sqliteWatches(connection);
  const store = sqliteCollection(things, { ...connection, statement }, watches);
  await store.create(thing('a', { count: 7 }));
  const told: number[] = [];
  store.watch('b', () => {});
  await sleep(60);
  state.broken = true;
  store.watch('a', ({ count }) => told.push(count));
  await sleep(60);
  expect(told).toEqual([]);
  state.broken = false;
  await vi.waitFor(() => expect(told).toEqual([7]));
  watches.clear();
  connection.close();
});

test('tombstones that expired are gone from the file when the next is left', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'store.sqlite');
  using files = opener(path);
  const store = await (await files.open()).collection(things);
  const expiring = { a: -1, b: 3_600_000, c: 3_600_000 };
  for (const [id, ms] of Object.entries(expiring)) {
    await store.create(thing(id));
    await store.remove(id, { bodyHash: 'h', expiresAt: Date.now() + ms });
  }
  using other = new DatabaseSync(path);
  expect(other.prepare('SELECT id FROM _tombstones ORDER BY id').all()).toEqual([{ id: 'b' }, { id: 'c' }]);
});

test('a change that fails halfway is undone as a whole', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'store.sqlite');
  using files = opener(path);
  const store = await (await files.open()).collection(things);
  await store.create(thing('a'), { good: new Uint8Array([1]) });
  using other = new DatabaseSync(path);
  other.exec(`CREATE TRIGGER no BEFORE INSERT ON _parts WHEN NEW.name = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END`);
  const parts = { good: new Uint8Array([2]), bad: new Uint8Array([3]) };
  await expect(store.update('a', (current) => ({ ...current, count: 1 }), parts)).rejects.toThrow('no');
  await expect(store.create(thing('b'), parts)).rejects.toThrow('no');
  expect(await store.get('a')).toEqual(thing('a'));
  expect(await store.part('a', 'good')).toEqual(new Uint8Array([1]));
  expect(await store.get('b')).toBeUndefined();
  expect(await store.part('b', 'good')).toBeUndefined();
  other.exec(`CREATE TRIGGER never BEFORE INSERT ON _tombstones BEGIN SELECT RAISE(ABORT, 'never'); END`);
  await expect(store.remove('a', { bodyHash: 'h', expiresAt: Date.now() + 1_000 })).rejects.toThrow('never');
  expect(await store.get('a')).toEqual(thing('a'));
  expect(await store.part('a', 'good')).toEqual(new Uint8Array([1]));
});
