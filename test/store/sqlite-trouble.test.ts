import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../src/errors.ts';
import { sqliteStore } from '../../src/store/sqlite.ts';
import { type Thing, thing, things } from '../contracts/store/things.ts';
import { opener, temporaryDirectory } from './files.ts';
import { smallDisk } from './small-disk.ts';

const increment = (current: Thing): Thing => ({ ...current, count: current.count + 1 });
const disk = () => {
  const mounted = smallDisk();
  if (mounted === undefined) throw new Error('the disk could be mounted a moment ago');
  return mounted;
};
const mountable = (() => {
  using probe = smallDisk();
  return probe !== undefined;
})();
if (!mountable) console.warn('SKIPPED: full and read-only disks, since only root may mount one');

const isFull = (path: string) =>
  new UnavailableError(`the disk of the store ${path} is full: free some space, then try again; nothing was stored`);

describe.skipIf(!mountable)('a full disk', () => {
  test('refuses a change as a whole, leaves reading alone, and is no trouble once there is room', async () => {
    using small = disk();
    const path = join(small.path, 'store.sqlite');
    using files = opener(path);
    const store = await (await files.open()).collection(things);
    await store.create(thing('a'), { stdout: new Uint8Array([1]) });
    small.fill();
    const part = new Uint8Array(500_000).fill(2);
    await expect(store.update('a', increment, { stdout: part })).rejects.toThrow(isFull(path));
    await expect(store.create(thing('b'), { stdout: part })).rejects.toThrow(isFull(path));
    expect(await store.get('a')).toEqual(thing('a'));
    expect(await store.part('a', 'stdout')).toEqual(new Uint8Array([1]));
    expect(await store.get('b')).toBeUndefined();
    small.free();
    expect(await store.update('a', increment, { stdout: part })).toMatchObject({ after: { count: 1 } });
    expect((await store.create(thing('b'), { stdout: part })).created).toBe(true);
    expect(Buffer.compare((await store.part('a', 'stdout')) ?? part.subarray(1), part)).toBe(0);
  });

  test('keeps every change that was confirmed while it filled up, and none other', async () => {
    using small = disk();
    using files = opener(join(small.path, 'store.sqlite'));
    const store = await (await files.open()).collection(things);
    await store.create(thing('a'));
    let confirmed = 0;
    const fillUp = async () => {
      for (;;) {
        const name = String(confirmed);
        await store.update('a', increment, { [name]: new Uint8Array(40_000).fill(confirmed) });
        confirmed += 1;
      }
    };
    await expect(fillUp()).rejects.toThrow(UnavailableError);
    expect(confirmed).toBeGreaterThan(5);
    files.close();
    const again = await (await files.open()).collection(things);
    expect(await again.get('a')).toEqual(thing('a', { count: confirmed }));
    expect(await again.part('a', String(confirmed - 1))).toEqual(new Uint8Array(40_000).fill(confirmed - 1));
    expect(await again.part('a', String(confirmed))).toBeUndefined();
  });

  test('can neither take a new store nor open one, and says so', async () => {
    using small = disk();
    const [old, fresh] = [join(small.path, 'old.sqlite'), join(small.path, 'fresh.sqlite')];
    (await sqliteStore({ path: old })).close();
    small.fill();
    await expect(sqliteStore({ path: fresh })).rejects.toThrow(isFull(fresh));
    await expect(sqliteStore({ path: old })).rejects.toThrow(isFull(old));
    small.free();
    for (const path of [fresh, old]) {
      const store = await sqliteStore({ path });
      expect((await store.leases.create({ id: 'p', expiresAt: 1 })).created).toBe(true);
      store.close();
    }
  });
});

describe.skipIf(!mountable)('a read-only disk', () => {
  const readOnly = (path: string) =>
    new UnavailableError(
      `the store ${path} cannot be written: make it and its directory writable, or choose another path`,
    );

  test('takes no new store, opens none, and says so', async () => {
    using small = disk();
    const [old, fresh] = [join(small.path, 'old.sqlite'), join(small.path, 'fresh.sqlite')];
    (await sqliteStore({ path: old })).close();
    small.allowWrites(false);
    await expect(sqliteStore({ path: fresh })).rejects.toThrow(readOnly(fresh));
    await expect(sqliteStore({ path: old })).rejects.toThrow(readOnly(old));
    small.allowWrites(true);
    (await sqliteStore({ path: old })).close();
  });
});

describe('a path where no store can be', () => {
  test('is refused with the reason when it is a directory', async () => {
    await using directory = await temporaryDirectory();
    await expect(sqliteStore({ path: directory.path })).rejects.toThrow(
      new UnavailableError(`the store ${directory.path} is a directory: choose the path of a file`),
    );
  });

  test.each(['file/store.sqlite', 'file/deeper/store.sqlite'])(
    'is refused when it leads through a file (%s)',
    async (name) => {
      await using directory = await temporaryDirectory();
      await writeFile(join(directory.path, 'file'), '');
      const path = join(directory.path, name);
      await expect(sqliteStore({ path })).rejects.toThrow(
        new UnavailableError(
          `the directory of the store ${path} cannot be made, a file is in its place: choose another path`,
        ),
      );
    },
  );

  test('is refused, and the file left as it is, when it is no database', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'notes.txt');
    const text = 'These are my notes. '.repeat(100);
    await writeFile(path, text);
    await expect(sqliteStore({ path })).rejects.toThrow(
      new UnavailableError(`${path} is not a store of gke-code-executor: choose another path`),
    );
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  test('is refused when its name is too long', async () => {
    await using directory = await temporaryDirectory();
    await expect(sqliteStore({ path: join(directory.path, 'x'.repeat(300)) })).rejects.toThrow(UnavailableError);
  });
});

test('a damaged file is called so, by opening or by the first use', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'store.sqlite');
  using files = opener(path);
  const store = await (await files.open()).collection(things);
  for (let index = 0; index < 200; index++) await store.create(thing(`thing${index}`));
  files.close();
  const file = await open(path, 'r+');
  const { size } = await file.stat();
  await file.write(Buffer.alloc(size - 4096, 0xa5), 0, size - 4096, 4096);
  await file.close();
  const use = async () => (await (await files.open()).collection(things)).get('thing7');
  await expect(use()).rejects.toThrow(
    new UnavailableError(
      `the store ${path} is damaged: restore a backup, or move it away with its -wal and -shm files to start anew`,
    ),
  );
});

describe('a lock held by another', () => {
  const isLocked = (path: string) =>
    new UnavailableError(
      `the store ${path} is locked by another process: end the process that holds it, then try again`,
    );

  test('is waited for without stopping the event loop, then given up with the reason', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'store.sqlite');
    using files = opener(path, 600);
    const store = await (await files.open()).collection(things);
    await store.create(thing('a'));
    using other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 10);
    const before = performance.now();
    await expect(store.update('a', increment)).rejects.toThrow(isLocked(path));
    expect(performance.now() - before).toBeGreaterThan(590);
    expect(ticks).toBeGreaterThan(4);
    clearInterval(ticking);
    expect(await store.get('a')).toEqual(thing('a'));
    other.exec('COMMIT');
    expect(await store.update('a', increment)).toMatchObject({ after: { count: 1 } });
  });

  test('is no trouble when it is released in time', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'store.sqlite');
    using files = opener(path);
    const store = await (await files.open()).collection(things);
    using other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const created = store.create(thing('a'));
    await sleep(200);
    other.exec('COMMIT');
    expect((await created).created).toBe(true);
  });

  test('keeps a store from opening, with the reason', async () => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, 'd'));
    const path = join(directory.path, 'd', 'store.sqlite');
    (await sqliteStore({ path })).close();
    using other = new DatabaseSync(path);
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    await expect(sqliteStore({ path, lockWaitMs: 100 })).rejects.toThrow(isLocked(path));
  });
});
