import { describe, expect, test } from 'vitest';
import { createMemory, memoryCollection, memoryStore } from '../../src/store/memory.ts';
import { thing, things } from '../contracts/store/things.ts';
import { storeContract } from '../contracts/store.ts';

storeContract('memory', async () => {
  const memory = createMemory();
  return {
    open: async (schema) => memoryCollection(schema, memory),
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
