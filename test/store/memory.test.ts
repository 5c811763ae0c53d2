import { describe, expect, test } from 'vitest';
import { createMemory, memoryCollection, memoryStore } from '../../src/store/memory.ts';
import { thing, things } from '../contracts/store/things.ts';
import { storeContract } from '../contracts/store.ts';

storeContract('memory', async () => {
  const memory = createMemory();
  return {
    open: async (schema, onError) => memoryCollection(schema, memory, onError),
    close: async () => {},
  };
});

const installation = { id: 'abcdefgh', secret: new Uint8Array(32) };

describe('memory', () => {
  test('is shared by the stores that are given the same, and by no other', async () => {
    const memory = createMemory();
    const [one, same, other] = [
      memoryStore({ installation, memory }),
      memoryStore({ installation, memory }),
      memoryStore({ installation }),
    ];
    await one.leases.create({ id: 'p', expiresAt: 1 });
    expect(await same.leases.get('p')).toEqual({ id: 'p', expiresAt: 1 });
    expect(await other.leases.get('p')).toBeUndefined();
    expect(one.installation).toBe(installation);
  });

  test('keeps tombstones by its clock, and no longer', async () => {
    let now = 1_000;
    const memory = createMemory(() => now);
    const store = memoryCollection(things, memory);
    for (const id of ['a', 'b', 'c']) await store.create(thing(id));
    await store.remove('a', { bodyHash: 'h', expiresAt: 2_000 });
    now = 1_999;
    expect((await store.create(thing('a'))).created).toBe(false);
    await store.remove('b', { bodyHash: 'h', expiresAt: 9_000 });
    now = 2_000;
    expect(await store.tombstone('a')).toBeUndefined();
    await store.remove('c', { bodyHash: 'h', expiresAt: 9_000 });
    expect([...memory.tombstones.keys()]).toEqual(['things/b', 'things/c']);
  });

  test('runs a change again when another came between, as a real store may', async () => {
    const store = memoryCollection(things);
    await store.create(thing('a'));
    const seen: number[] = [];
    const change = (current: typeof item) => {
      seen.push(current.count);
      return { ...current, count: current.count + 1 };
    };
    const item = thing('a');
    await Promise.all([store.update('a', change), store.update('a', change)]);
    expect(seen).toEqual([0, 0, 1]);
  });
});
