import { describe, expect, test } from 'vitest';
import type { Tombstone } from '../../../src/store/store.ts';
import { bytes, everything, increment, type Room, range, type Thing, thing, things, until } from './things.ts';

export function tombstoneContract(room: Room): void {
  const lasting: Tombstone = { bodyHash: 'abc', expiresAt: Date.now() + 3_600_000 };
  const expired: Tombstone = { bodyHash: 'abc', expiresAt: Date.now() - 1 };

  describe('a tombstone', () => {
    test('is left in the place of an item, of which nothing else stays', async () => {
      await room.store.create(thing('a'), { code: bytes('x'), stdout: new Uint8Array(2 * 1024 * 1024) });
      expect(await room.store.tombstone('a')).toBeUndefined();
      await room.store.remove('a', lasting);
      expect(await room.store.tombstone('a')).toEqual(lasting);
      expect(await room.store.get('a')).toBeUndefined();
      expect(await room.store.part('a', 'code')).toBeUndefined();
      expect(await room.store.part('a', 'stdout')).toBeUndefined();
      for (const equal of [{}, { color: 'red' }]) {
        expect((await room.store.query({ ...everything, equal })).items).toEqual([]);
      }
    });

    test('is what a create of its id meets, from any client, and nothing is stored', async () => {
      await room.store.create(thing('a'));
      await room.store.remove('a', lasting);
      const other = await room.open(things);
      for (const store of [room.store, other]) {
        const part = { code: bytes('y') };
        expect(await store.create(thing('a', { count: 1 }), part)).toEqual({ created: false, tombstone: lasting });
        expect(await store.get('a')).toBeUndefined();
        expect(await store.part('a', 'code')).toBeUndefined();
        expect(await store.tombstone('a')).toEqual(lasting);
      }
    });

    test('is nothing that could be changed', async () => {
      await room.store.create(thing('a'));
      await room.store.remove('a', lasting);
      expect(await room.store.update('a', increment, { code: bytes('y') })).toBeUndefined();
      expect(await room.store.get('a')).toBeUndefined();
      expect(await room.store.tombstone('a')).toEqual(lasting);
    });

    test('is not left where there is no item, and stays as it is', async () => {
      await room.store.remove('a', lasting);
      expect(await room.store.tombstone('a')).toBeUndefined();
      expect((await room.store.create(thing('a'))).created).toBe(true);
      await room.store.remove('a', lasting);
      await room.store.remove('a', { bodyHash: 'def', expiresAt: lasting.expiresAt + 1 });
      await room.store.remove('a');
      expect(await room.store.tombstone('a')).toEqual(lasting);
    });

    test('that expired is as if there were none', async () => {
      await room.store.create(thing('a'), { code: bytes('x') });
      await room.store.remove('a', expired);
      expect(await room.store.tombstone('a')).toBeUndefined();
      const again = thing('a', { count: 1 });
      expect(await room.store.create(again)).toEqual({ created: true, item: again });
      expect(await room.store.get('a')).toEqual(again);
      expect(await room.store.part('a', 'code')).toBeUndefined();
      await room.store.remove('a', lasting);
      expect(await room.store.create(again)).toEqual({ created: false, tombstone: lasting });
    });

    test('that expired lets one of many creates win', async () => {
      await room.store.create(thing('a'));
      await room.store.remove('a', expired);
      const all = await Promise.all(range(4).map(() => room.open(things)));
      const results = await Promise.all(
        range(12).map((count) => (all[count % 4] ?? room.store).create(thing('a', { count }))),
      );
      expect(results.filter(({ created }) => created)).toHaveLength(1);
      const winner = results.find(({ created }) => created)?.item;
      for (const { item } of results) expect(item).toEqual(winner);
      expect(await room.store.get('a')).toEqual(winner);
    });

    test('is final: changes and creates made at the same time bring nothing back', async () => {
      const [one, two, three] = [await room.open(things), await room.open(things), await room.open(things)];
      await room.store.create(thing('a'), { code: bytes('x') });
      const changes = range(10).map(() => one.update('a', increment, { stdout: bytes('y') }));
      const removals = [two.remove('a', lasting), three.remove('a', lasting)];
      const creations = range(10).map(() => three.create(thing('a', { count: -1 }), { code: bytes('z') }));
      await Promise.all([...changes, ...removals, ...creations]);
      expect((await Promise.all(creations)).filter(({ created }) => created)).toEqual([]);
      expect(await room.store.get('a')).toBeUndefined();
      expect(await room.store.part('a', 'stdout')).toBeUndefined();
      expect(await room.store.tombstone('a')).toEqual(lasting);
    });

    test('is not told to who watches', async () => {
      const told: Thing[] = [];
      await room.store.create(thing('a'));
      const stop = room.store.watch('a', (item) => told.push(item));
      await until(() => expect(told).toEqual([thing('a')]));
      await room.store.remove('a', expired);
      await room.store.create(thing('a', { count: 1 }));
      await until(() => expect(told).toEqual([thing('a'), thing('a', { count: 1 })]));
      stop();
    });
  });
}
