import { describe, expect, test } from 'vitest';
import type { Collection } from '../../../src/store/store.ts';
import { increment, type Room, range, type Thing, thing, things, until } from './things.ts';

export function watchContract(room: Room): void {
  describe('watch', () => {
    const record = (collection: Collection<Thing>, id = 'a') => {
      const told: number[] = [];
      const stop = collection.watch(id, ({ count }) => told.push(count));
      return { told, stop };
    };

    test('tells the item as it is now, but not before it has returned', async () => {
      await room.store.create(thing('a', { count: 7 }));
      const { told, stop } = record(room.store);
      expect(told).toEqual([]);
      await until(() => expect(told).toEqual([7]));
      stop();
    });

    test('tells of an item that comes later, whoever makes it', async () => {
      const other = await room.open(things);
      const { told, stop } = record(room.store);
      await other.create(thing('b', { count: 1 }));
      await other.create(thing('a', { count: 2 }));
      await until(() => expect(told).toEqual([2]));
      stop();
    });

    test.each(['the same client', 'another client'])('never loses the last of many changes by %s', async (who) => {
      await room.store.create(thing('a'));
      const writer = who === 'another client' ? await room.open(things) : room.store;
      const watchers = [record(room.store), record(room.store), record(await room.open(things))];
      for (const _ of range(60)) await writer.update('a', increment);
      for (const { told, stop } of watchers) {
        await until(() => expect(told.at(-1)).toBe(60));
        expect(told).toEqual(told.toSorted((a, b) => a - b));
        stop();
      }
    });

    test('does not speak again of what did not change', async () => {
      const other = await room.open(things);
      await room.store.create(thing('a'));
      const [{ told, stop }, neighbour] = [record(room.store), record(room.store, 'b')];
      await until(() => expect(told).toEqual([0]));
      await room.store.update('a', (current) => current);
      await other.create(thing('b', { count: 5 }));
      await until(() => expect(neighbour.told).toEqual([5]));
      await other.update('a', increment);
      await until(() => expect(told).toEqual([0, 1]));
      stop();
      neighbour.stop();
    });

    test('ends with the unsubscription, which may be called twice, and only for its listener', async () => {
      await room.store.create(thing('a'));
      const [stopped, going] = [record(room.store), record(room.store)];
      await until(() => expect([...stopped.told, ...going.told]).toEqual([0, 0]));
      stopped.stop();
      stopped.stop();
      await room.store.update('a', increment);
      await until(() => expect(going.told).toEqual([0, 1]));
      expect(stopped.told).toEqual([0]);
      going.stop();
    });

    test('tells nothing to a listener that left at once', async () => {
      await room.store.create(thing('a'));
      const [gone, here] = [record(room.store), record(room.store)];
      gone.stop();
      await until(() => expect(here.told).toEqual([0]));
      expect(gone.told).toEqual([]);
      here.stop();
    });

    test('tells of an item made anew after its removal', async () => {
      await room.store.create(thing('a', { count: 1 }));
      const { told, stop } = record(room.store);
      await until(() => expect(told).toEqual([1]));
      await room.store.remove('a');
      await room.store.create(thing('a', { count: 2 }));
      await until(() => expect(told.at(-1)).toBe(2));
      stop();
    });
  });
}
