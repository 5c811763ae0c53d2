import { describe } from 'vitest';
import { damageContract, queryContract } from './store/reads.ts';
import { newStoreForEach, type StoreHarness } from './store/things.ts';
import { tombstoneContract } from './store/tombstones.ts';
import { watchContract } from './store/watches.ts';
import { createContract, partsContract, removeContract, updateContract } from './store/writes.ts';

/** What every adapter of the store port must do; `start` makes an empty store. */
export function storeContract(adapter: string, start: () => Promise<StoreHarness>): void {
  describe(`${adapter} keeps the contract of the store`, () => {
    const room = newStoreForEach(start);
    createContract(room);
    updateContract(room);
    partsContract(room);
    queryContract(room);
    removeContract(room);
    tombstoneContract(room);
    watchContract(room);
    damageContract(room);
  });
}
