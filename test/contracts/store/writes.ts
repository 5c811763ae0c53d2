import { describe, expect, test } from 'vitest';
import { bytes, everything, increment, type Room, range, type Thing, thing, things, unchecked } from './things.ts';

export function createContract(room: Room): void {
  describe('create', () => {
    test('stores an item with its parts', async () => {
      const item = thing('a', { note: 'é\u0000\u{1F600}' });
      expect(await room.store.create(item, { code: bytes('print(1)') })).toEqual({ created: true, item });
      expect(await room.store.get('a')).toEqual(item);
      expect(await room.store.part('a', 'code')).toEqual(bytes('print(1)'));
    });

    test('keeps a part that is empty apart from one that is not there', async () => {
      await room.store.create(thing('a'), { stdin: bytes('') });
      expect(await room.store.part('a', 'stdin')).toEqual(bytes(''));
      expect(await room.store.part('a', 'code')).toBeUndefined();
    });

    test('keeps what was there when the id is taken, and says what it is', async () => {
      await room.store.create(thing('a', { count: 1 }), { code: bytes('first') });
      const second = await room.store.create(thing('a', { count: 2 }), { code: bytes('second'), stdin: bytes('x') });
      expect(second).toEqual({ created: false, item: thing('a', { count: 1 }) });
      expect(await room.store.get('a')).toEqual(thing('a', { count: 1 }));
      expect(await room.store.part('a', 'code')).toEqual(bytes('first'));
      expect(await room.store.part('a', 'stdin')).toBeUndefined();
    });

    test('of 100 at once with the same id one wins, and all are told the same', async () => {
      const all = await clients(room, 4);
      const results = await Promise.all(
        range(100).map((count) =>
          (all[count % 4] ?? room.store).create(thing('a', { count }), { code: bytes(String(count)) }),
        ),
      );
      expect(results.filter(({ created }) => created)).toHaveLength(1);
      const winner = results.find(({ created }) => created)?.item;
      for (const { item } of results) expect(item).toEqual(winner);
      expect(await room.store.get('a')).toEqual(winner);
      expect(await room.store.part('a', 'code')).toEqual(bytes(String(winner?.count)));
    });

    test('gives back what a document can hold, not the object it was given', async () => {
      const given = { ...thing('a'), note: undefined, secret: 'not in the schema' };
      const part = bytes('abc');
      const { item } = await room.store.create(given, { code: part });
      given.count = 99;
      part.fill(0);
      expect(item).toStrictEqual(thing('a'));
      expect(await room.store.get('a')).toStrictEqual(thing('a'));
      (await room.store.part('a', 'code'))?.fill(0);
      expect(await room.store.part('a', 'code')).toEqual(bytes('abc'));
      expect(await (await room.open(unchecked)).get('a')).toStrictEqual(thing('a'));
    });

    test('refuses an item that would not parse again, and stores nothing of it', async () => {
      await expect(room.store.create(thing('a', { count: 0.5 }), { code: bytes('x') })).rejects.toThrow('things/a');
      expect(await room.store.get('a')).toBeUndefined();
      expect(await room.store.part('a', 'code')).toBeUndefined();
    });
  });
}

export function updateContract(room: Room): void {
  describe('update', () => {
    test('returns the item before and after, and stores what the change returned', async () => {
      await room.store.create(thing('a'));
      const after = thing('a', { count: 1 });
      expect(await room.store.update('a', increment)).toEqual({ before: thing('a'), after });
      expect(await room.store.get('a')).toEqual(after);
    });

    test('stores parts with the item and keeps those it was not given', async () => {
      await room.store.create(thing('a'), { code: bytes('code'), stdout: bytes('old') });
      await room.store.update('a', increment, { stdout: bytes('new'), stderr: bytes('err') });
      const names = ['code', 'stdout', 'stderr'];
      const parts = await Promise.all(names.map((name) => room.store.part('a', name)));
      expect(parts).toEqual([bytes('code'), bytes('new'), bytes('err')]);
    });

    test('writes nothing, parts included, when the change returns its argument', async () => {
      await room.store.create(thing('a'), { stdout: bytes('old') });
      const result = await room.store.update('a', (current) => current, { stdout: bytes('new') });
      expect(result).toEqual({ before: thing('a'), after: thing('a') });
      expect(result?.after).toBe(result?.before);
      expect(await room.store.part('a', 'stdout')).toEqual(bytes('old'));
    });

    test('leaves all as it was when the change throws, and passes the error on', async () => {
      await room.store.create(thing('a'), { stdout: bytes('old') });
      const error = new Error('no');
      const change = () => {
        throw error;
      };
      await expect(room.store.update('a', change, { stdout: bytes('new') })).rejects.toBe(error);
      expect(await room.store.get('a')).toEqual(thing('a'));
      expect(await room.store.part('a', 'stdout')).toEqual(bytes('old'));
      expect(await room.store.update('a', increment)).toBeDefined();
    });

    test('leaves all as it was when the change returns what would not parse again', async () => {
      await room.store.create(thing('a'), { stdout: bytes('old') });
      const change = (current: Thing) => ({ ...current, count: 0.5 });
      await expect(room.store.update('a', change, { stdout: bytes('new') })).rejects.toThrow('things/a');
      expect(await room.store.get('a')).toEqual(thing('a'));
      expect(await room.store.part('a', 'stdout')).toEqual(bytes('old'));
    });

    test('of an id that is not there is undefined and stores nothing', async () => {
      expect(await room.store.update('a', increment, { stdout: bytes('x') })).toBeUndefined();
      expect(await room.store.get('a')).toBeUndefined();
      expect(await room.store.part('a', 'stdout')).toBeUndefined();
    });

    test('50 at once from several clients are all counted', async () => {
      const all = await clients(room, 5);
      await room.store.create(thing('a'));
      const results = await Promise.all(
        range(50).map((index) => (all[index % 5] ?? room.store).update('a', increment)),
      );
      const counts = results.map((result) => result?.after.count ?? -1).sort((a, b) => a - b);
      expect(counts).toEqual(range(50).map((index) => index + 1));
      for (const result of results) expect(result?.after.count).toBe((result?.before.count ?? 0) + 1);
      expect(await room.store.get('a')).toEqual(thing('a', { count: 50 }));
    });

    test('moves an item between the queries that find it', async () => {
      await room.store.create(thing('a'));
      await room.store.update('a', (current) => ({ ...current, color: 'blue', at: 5 }));
      const of = async (color: string) => (await room.store.query({ ...everything, equal: { color } })).items;
      expect(await of('red')).toEqual([]);
      expect(await of('blue')).toEqual([thing('a', { color: 'blue', at: 5 })]);
    });
  });
}

export function partsContract(room: Room): void {
  describe('parts', () => {
    test('of 4 MiB come back byte by byte', async () => {
      const big = new Uint8Array(4 * 1024 * 1024).map((_, index) => (index * 31 + (index >> 8)) & 0xff);
      await room.store.create(thing('a'), { stdout: big });
      await room.store.update('a', increment, { stderr: big.toReversed() });
      expect(Buffer.compare((await room.store.part('a', 'stdout')) ?? bytes(''), big)).toBe(0);
      expect(Buffer.compare((await room.store.part('a', 'stderr')) ?? bytes(''), big.toReversed())).toBe(0);
    });

    test('may be empty, which is not the same as absent', async () => {
      await room.store.create(thing('a'), { stdout: new Uint8Array() });
      expect(await room.store.part('a', 'stdout')).toEqual(new Uint8Array());
      expect(await room.store.part('a', 'stderr')).toBeUndefined();
      expect(await room.store.part('b', 'stdout')).toBeUndefined();
      expect(await room.store.part('a', 'constructor')).toBeUndefined();
    });
  });
}

export function removeContract(room: Room): void {
  describe('remove', () => {
    test('takes the item, its parts and its place in queries', async () => {
      await room.store.create(thing('a'), { code: bytes('x') });
      await room.store.create(thing('b'), { code: bytes('y') });
      await room.store.remove('a');
      expect(await room.store.get('a')).toBeUndefined();
      expect(await room.store.part('a', 'code')).toBeUndefined();
      expect((await room.store.query(everything)).items).toEqual([thing('b')]);
      expect(await room.store.part('b', 'code')).toEqual(bytes('y'));
      expect(await room.store.create(thing('a'))).toEqual({ created: true, item: thing('a') });
      expect(await room.store.part('a', 'code')).toBeUndefined();
    });

    test('of what is not there is success', async () => {
      await expect(room.store.remove('a')).resolves.toBeUndefined();
    });
  });
}

function clients(room: Room, count: number) {
  return Promise.all(range(count).map(() => room.open(things)));
}
