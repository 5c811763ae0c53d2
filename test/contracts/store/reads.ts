import { beforeEach, describe, expect, test } from 'vitest';
import { InvalidRequestError } from '../../../src/errors.ts';
import type { Collection, Page, Query } from '../../../src/store/store.ts';
import { everything, increment, type Room, range, type Thing, thing, things, unchecked, until } from './things.ts';

export function queryContract(room: Room): void {
  describe('query', () => {
    const stock = [
      thing('a', { color: 'red', size: 'small', at: 30 }),
      thing('b', { color: 'red', size: 'large', at: 10 }),
      thing('c', { color: 'blue', size: 'small', at: 20 }),
      thing('d', { color: 'red', size: 'small', at: 10 }),
      thing('e', { color: 'red', size: 'small', at: -1.5 }),
    ];
    const ids = ({ items }: Page<Thing>) => items.map(({ id }) => id).join('');

    test.each([
      { equal: {}, direction: 'ascending', found: 'ebdca' },
      { equal: {}, direction: 'descending', found: 'acdbe' },
      { equal: { color: 'red' }, direction: 'ascending', found: 'ebda' },
      { equal: { color: 'red' }, direction: 'descending', found: 'adbe' },
      { equal: { size: 'small', color: 'red' }, direction: 'ascending', found: 'eda' },
      { equal: { color: 'red', size: 'small' }, direction: 'descending', found: 'ade' },
      { equal: { color: 'green' }, direction: 'ascending', found: '' },
    ] as const)('by $equal, $direction, finds $found: by order, then id', async ({ found, ...query }) => {
      await Promise.all(stock.map((item) => room.store.create(item)));
      const page = await room.store.query({ ...query, limit: 10 });
      expect(ids(page)).toBe(found);
      expect(page.next).toBeNull();
      const pages = await pagesOf(room.store, { ...query, limit: 2 });
      expect(pages.map(ids).join('')).toBe(found);
      expect(pages.every(({ items }) => items.length <= 2)).toBe(true);
    });

    test('says that nothing follows a page that is just full', async () => {
      await room.store.create(thing('a'));
      await room.store.create(thing('b'));
      expect((await room.store.query({ ...everything, limit: 2 })).next).toBeNull();
      expect((await room.store.query({ ...everything, limit: 1 })).next).not.toBeNull();
    });

    test.each(['ascending', 'descending'] as const)(
      'pages without loss or repetition while others insert, %s',
      async (direction) => {
        const other = await room.open(things);
        const old = range(40).map((index) => thing(`old${index}`, { at: index % 7 }));
        await Promise.all(old.map((item) => room.store.create(item)));
        const seen: string[] = [];
        const insert = (round: number) =>
          Promise.all(range(4).map((at) => other.create(thing(`new${round}-${at}`, { at: at * 2 }))));
        for await (const page of walk(room.store, { equal: {}, direction, limit: 3 })) {
          seen.push(...page.items.map(({ id }) => id));
          if (seen.length < 120) await insert(seen.length);
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.filter((id) => id.startsWith('old')).toSorted()).toEqual(old.map(({ id }) => id).toSorted());
      },
    );

    test.each([[{ note: '' }], [{ color: 'red', size: 'small', note: '' }], [{ constructor: 'x' }]])(
      'by %o is refused, since it is not declared',
      async (equal) => {
        await expect(room.store.query({ ...everything, equal })).rejects.toThrow(/things has no ascending query by/);
      },
    );

    test('in a direction that is not declared is refused', async () => {
      const query = { equal: { size: 'small' }, limit: 10 };
      await room.store.create(thing('a'));
      expect((await room.store.query({ ...query, direction: 'ascending' })).items).toHaveLength(1);
      await expect(room.store.query({ ...query, direction: 'descending' })).rejects.toThrow(
        'things has no descending query by (size): declare it in the schema',
      );
    });

    test.each(['', 'garbage', '!', 'MTIz', 'MSBhCg==', 'TmFOIGE', `${'A'.repeat(10_000)}`])(
      'after a cursor that is none (%.20s) is the fault of the request',
      async (after) => {
        const refused = room.store.query({ ...everything, after });
        await expect(refused).rejects.toThrow(InvalidRequestError);
        await expect(refused).rejects.toMatchObject({ problems: [{ pointer: '/cursor' }] });
      },
    );
  });
}

export function damageContract(room: Room): void {
  describe('a stored document that does not parse', () => {
    beforeEach(async () => {
      await (await room.open(unchecked)).create({ id: 'bad', color: 'red' });
    });

    test.each<[string, (collection: Collection<Thing>) => Promise<unknown>]>([
      ['get', (collection) => collection.get('bad')],
      ['create', (collection) => collection.create(thing('bad'))],
      ['update', (collection) => collection.update('bad', increment)],
      ['query', (collection) => collection.query(everything)],
    ])('makes %s throw, naming collection and id', async (_, use) => {
      await expect(use(room.store)).rejects.toThrow('things/bad');
    });

    test('is left out of what queries find, and reported once, to those who listen for it', async () => {
      const errors: unknown[] = [];
      const collection = await room.open(things, (error) => errors.push(error));
      await room.store.create(thing('whole'));
      for (const query of [everything, { ...everything, equal: { color: 'red' } }]) {
        expect(await collection.query(query)).toEqual({ items: [thing('whole')], next: null });
      }
      expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('things/bad') })]);
      await expect(collection.get('bad')).rejects.toThrow('things/bad');
      await expect(collection.update('bad', increment)).rejects.toThrow('things/bad');
    });

    test.each(['ascending', 'descending'] as const)('shortens no page, %s', async (direction) => {
      const errors: unknown[] = [];
      const collection = await room.open(things, (error) => errors.push(error));
      const other = await room.open(unchecked);
      await Promise.all(range(6).map((index) => other.create({ id: `bad${index}` })));
      const whole = [thing('a', { at: -1 }), thing('bad2x', { at: 0 }), thing('b', { at: 1 }), thing('c', { at: 2 })];
      await Promise.all(whole.map((item) => room.store.create(item)));
      const pages = await pagesOf(collection, { equal: {}, direction, limit: 1 });
      expect(pages.map(({ items }) => items)).toEqual(
        (direction === 'ascending' ? whole : whole.toReversed()).map((item) => [item]),
      );
      expect(errors).toHaveLength(7);
    });

    test('is not told to listeners, who hear of it when it is whole again', async () => {
      const told: string[] = [];
      const stop = room.store.watch('bad', ({ color }) => told.push(color));
      await (await room.open(unchecked)).update('bad', () => thing('bad', { color: 'blue' }));
      await until(() => expect(told).toEqual(['blue']));
      stop();
    });

    test('can be removed', async () => {
      await room.store.remove('bad');
      expect((await room.store.query(everything)).items).toEqual([]);
    });
  });
}

async function* walk(store: Collection<Thing>, query: Query): AsyncGenerator<Page<Thing>> {
  let after: string | null | undefined;
  while (after !== null) {
    const page: Page<Thing> = await store.query(after === undefined ? query : { ...query, after });
    yield page;
    after = page.next;
  }
}

async function pagesOf(store: Collection<Thing>, query: Query): Promise<Page<Thing>[]> {
  const pages: Page<Thing>[] = [];
  for await (const page of walk(store, query)) pages.push(page);
  return pages;
}
