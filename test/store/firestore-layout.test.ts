import { randomBytes, randomUUID } from 'node:crypto';
import { type DocumentReference, Firestore, Timestamp } from '@google-cloud/firestore';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { firestoreCollection } from '../../src/store/firestore/collection.ts';
import { directions, type Schema } from '../../src/store/store.ts';
import { everything, increment, thing, things } from '../contracts/store/things.ts';
import { describeEmulator } from '../emulators.ts';

const KiB = 1024;

interface Anything {
  readonly id: string;
  readonly value: unknown;
}

/** Documents of any shape. */
const anything: Schema<Anything> = {
  name: 'anything',
  parse: (document) => z.object({ id: z.string(), value: z.unknown() }).parse(document),
  fields: () => ({}),
  order: () => 0,
  queries: [{ fields: [], directions }],
};

describeEmulator('firestore', 'the layout of Firestore documents', (emulator) => {
  let firestore: Firestore;
  beforeEach(async () => {
    firestore = new Firestore({ projectId: `test-${randomUUID()}`, host: await emulator(), ssl: false });
  });
  afterEach(() => firestore.terminate());

  /** Paths of all documents, sub-collections included. */
  const paths = async (parent: Firestore | DocumentReference = firestore): Promise<readonly string[]> => {
    const collections = await parent.listCollections();
    const references = await Promise.all(collections.map((collection) => collection.listDocuments()));
    const below = await Promise.all(references.flat().map(paths));
    return [...references.flat().map(({ path }) => path), ...below.flat()];
  };

  describe('a small document', () => {
    test('is one, with what queries need beside the JSON, and the bytes of its parts', async () => {
      const store = firestoreCollection(things, firestore);
      const item = thing('a', { note: 'é\u0000\u{1F600}' });
      await store.create(item, { code: Buffer.from('print(1)'), stdin: new Uint8Array() });
      await store.update('a', (current) => ({ ...current, color: 'blue' }), { stdout: Buffer.from('1\n') });
      expect(await paths()).toEqual(['things/a']);
      expect((await firestore.doc('things/a').get()).data()).toEqual({
        order: 1000,
        by: { color: 'blue', size: 'small' },
        item: JSON.stringify({ ...item, color: 'blue' }),
        parts: {
          code: { size: 8, pieces: [] },
          stdin: { size: 0, pieces: [] },
          stdout: { size: 2, pieces: [] },
        },
        inline: { code: Buffer.from('print(1)'), stdin: Buffer.from(''), stdout: Buffer.from('1\n') },
        mark: expect.stringMatching(/^\w{20}$/),
      });
    });

    test('is read without its parts', async () => {
      const store = firestoreCollection(things, firestore);
      await store.create(thing('a'), { code: Buffer.from('print(1)') });
      const fields: unknown[] = [];
      const { getAll } = firestore;
      firestore.getAll = async (...asked) => {
        const snapshots = await getAll.apply(firestore, asked);
        fields.push(...snapshots.map((snapshot) => Object.keys(snapshot.data() ?? {}).toSorted()));
        return snapshots;
      };
      await store.get('a');
      await store.update('a', increment);
      await store.part('a', 'code');
      expect(fields).toEqual([['item'], ['item', 'mark', 'parts'], ['inline', 'parts']]);
    });
  });

  describe('a large part', () => {
    const pieces = async () => (await paths()).filter((path) => path.includes('/parts/'));

    test.each([
      { bytes: 200 * KiB, documents: 0 },
      { bytes: 200 * KiB + 1, documents: 1 },
      { bytes: 900 * KiB, documents: 1 },
      { bytes: 900 * KiB + 1, documents: 2 },
      { bytes: 3 * KiB * KiB, documents: 4 },
      { bytes: 9 * KiB * KiB, documents: 11 },
    ])('of $bytes bytes takes $documents documents of its own, and comes back byte by byte', async (size) => {
      const store = firestoreCollection(things, firestore);
      const bytes = randomBytes(size.bytes);
      await store.create(thing('a'), { stdout: bytes });
      expect(await pieces()).toHaveLength(size.documents);
      expect(Buffer.compare((await store.part('a', 'stdout')) ?? Buffer.from(''), bytes)).toBe(0);
    });

    test('that is replaced or removed leaves nothing behind', async () => {
      const store = firestoreCollection(things, firestore);
      await store.create(thing('a'), { stdout: randomBytes(1000 * KiB), stderr: randomBytes(300 * KiB) });
      expect(await pieces()).toHaveLength(3);
      await store.update('a', increment, { stdout: randomBytes(300 * KiB) });
      expect(await pieces()).toHaveLength(2);
      await store.update('a', increment, { stdout: Buffer.from('small') });
      expect(await pieces()).toHaveLength(1);
      expect(await store.part('a', 'stdout')).toEqual(Uint8Array.from(Buffer.from('small')));
      await store.update('a', increment, { stdout: randomBytes(300 * KiB) });
      const { inline } = (await firestore.doc('things/a').get()).data() ?? {};
      expect(inline).toEqual({});
      await store.remove('a');
      expect(await paths()).toEqual([]);
    });

    test('that is removed leaves a tombstone alone, which the next create takes away when it expired', async () => {
      const store = firestoreCollection(things, firestore);
      await store.create(thing('a'), { code: Buffer.from('x'), stdout: randomBytes(1000 * KiB) });
      const expiresAt = Date.now() - 1;
      await store.remove('a', { bodyHash: 'h', expiresAt });
      expect(await paths()).toEqual(['things/a']);
      const left = { bodyHash: 'h', expiresAt: Timestamp.fromMillis(expiresAt) };
      expect((await firestore.doc('things/a').get()).data()).toEqual(left);
      await store.create(thing('a'));
      const fields = Object.keys((await firestore.doc('things/a').get()).data() ?? {});
      expect(fields.toSorted()).toEqual(['by', 'inline', 'item', 'mark', 'order', 'parts']);
    });

    test('that is replaced between looking and removing is removed as it is then', async () => {
      const store = firestoreCollection(things, firestore);
      await store.create(thing('a'), { stdout: randomBytes(300 * KiB) });
      const { getAll } = firestore;
      const read = getAll.bind(firestore);
      firestore.getAll = async (...asked) => {
        firestore.getAll = read;
        const snapshots = await read(...asked);
        await store.update('a', increment, { stdout: randomBytes(300 * KiB) });
        return snapshots;
      };
      await store.remove('a', { bodyHash: 'h', expiresAt: Date.now() + 60_000 });
      expect(await paths()).toEqual(['things/a']);
    });

    test('that is replaced between looking where it is and reading it is whole all the same', async () => {
      const store = firestoreCollection(things, firestore);
      const filled = (value: number) => new Uint8Array(1900 * KiB).fill(value);
      await store.create(thing('a'), { stdout: filled(0) });
      const replacements = [filled(1), filled(2)];
      const { getAll } = firestore;
      const read = getAll.bind(firestore);
      firestore.getAll = async (...asked) => {
        const snapshots = await read(...asked);
        firestore.getAll = read;
        const stdout = replacements.shift();
        if (stdout !== undefined) {
          await store.update('a', increment, { stdout });
          firestore.getAll = slow;
        }
        return snapshots;
      };
      const slow = firestore.getAll;
      const part = await store.part('a', 'stdout');
      expect([part?.length, new Set(part)]).toEqual([1900 * KiB, new Set([2])]);
    });

    test('too large for one commit expires in 40 days when no document comes to name it, else never', async () => {
      const store = firestoreCollection(things, firestore);
      await store.create(thing('a'), { stdout: randomBytes(4000 * KiB) });
      const named = await pieces();
      await store.create(thing('a'), { stdout: randomBytes(4000 * KiB) });
      const orphans = (await pieces()).filter((path) => !named.includes(path));
      expect([named.length, orphans.length]).toEqual([5, 5]);
      const days = async (path: string) => {
        const expiresAt: unknown = (await firestore.doc(path).get()).get('expiresAt')?.toMillis();
        return typeof expiresAt === 'number' ? Math.round((expiresAt - Date.now()) / 86_400_000) : undefined;
      };
      expect(await Promise.all(named.map(days))).toEqual(Array.from({ length: 5 }));
      expect(await Promise.all(orphans.map(days))).toEqual([40, 40, 40, 40, 40]);
    });

    test('that lost a piece is an error, not a shorter part', async () => {
      const store = firestoreCollection(things, firestore);
      await store.create(thing('a'), { stdout: randomBytes(2000 * KiB) });
      const [piece = ''] = await pieces();
      await firestore.doc(piece).delete();
      await expect(store.part('a', 'stdout')).rejects.toThrow('things/a: pieces of its stdout are gone');
    });
  });

  test('parts that do not all fit beside a large item get documents of their own', async () => {
    const store = firestoreCollection(anything, firestore);
    const item = { id: 'a', value: randomBytes(330 * KiB).toString('hex') };
    const part = () => randomBytes(200 * KiB);
    const parts = { code: part(), stdin: part(), stdout: part(), stderr: part() };
    await store.create(item, { code: parts.code, stdin: parts.stdin });
    await store.update('a', (current) => ({ ...current }), { stdout: parts.stdout, stderr: parts.stderr });
    expect(await store.get('a')).toEqual(item);
    for (const [name, bytes] of Object.entries(parts)) {
      expect(await store.part('a', name)).toEqual(Uint8Array.from(bytes));
    }
    expect(await paths()).toHaveLength(3);
  });

  test.each([
    ['names that Firestore reserves', JSON.parse('{ "__x__": 1, "": 2, ".": 3, "a/b": 4, "__proto__": 5 }')],
    ['lists within lists', [[[]], [[1], [2, [3]]]]],
    ['numbers', [0, 1, -1, 1.5, 1e300, 5e-324, 2 ** 53, -(2 ** 63), 0.1 + 0.2]],
    ['null, false and nothing', { a: null, b: false, c: '', d: [], e: {} }],
    ['every kind of character', '\u0000\u0001\u007f"\\\u2028\ud800\udfff\u{10ffff}é\ufffe'],
    ['a long text of characters that JSON escapes', '\u0001\u001f"\\'.repeat(160 * KiB)],
    ['a long text of random bytes', randomBytes(300 * KiB).toString('latin1')],
  ])('an item keeps %s', async (_, value) => {
    const store = firestoreCollection(anything, firestore);
    await store.create({ id: 'a', value });
    expect(await store.get('a')).toEqual({ id: 'a', value });
    expect((await store.query(everything)).items).toEqual([{ id: 'a', value }]);
    const heard = Promise.withResolvers<Anything>();
    const stop = store.watch('a', heard.resolve);
    expect(await heard.promise).toEqual({ id: 'a', value });
    stop();
  });

  test('any text may be an id or the name of a part', async () => {
    const store = firestoreCollection(things, firestore);
    const ids = [
      '',
      '%',
      '.',
      '..',
      '...',
      '__a__',
      '____',
      '_',
      'a/b',
      '/',
      'a b',
      'é',
      '%2e',
      '*[]~`',
      'x'.repeat(1000),
    ];
    for (const id of ids) await store.create(thing(id), { [id]: Buffer.from(id) });
    for (const id of ids) {
      expect(await store.get(id)).toEqual(thing(id));
      expect(await store.part(id, id)).toEqual(Uint8Array.from(Buffer.from(id)));
    }
    const pages = [await store.query({ ...everything, limit: 10 })];
    pages.push(await store.query({ ...everything, after: pages[0]?.next ?? '' }));
    expect(pages.flatMap(({ items }) => items.map(({ id }) => id)).toSorted()).toEqual(ids.toSorted());
    for (const id of ids) await store.remove(id);
    expect(await paths()).toEqual([]);
  });
});
