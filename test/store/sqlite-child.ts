// A process of its own for sqlite-processes.test.ts: node sqlite-child.ts <role> <path> [argument]
import { writeSync } from 'node:fs';
import type { Lease } from '../../src/store/executions.ts';
import { sqliteStore } from '../../src/store/sqlite.ts';

const [role = '', path = '', argument = ''] = process.argv.slice(2);
const say = (line: unknown) => writeSync(1, `${line}\n`);
const increment = (current: Lease): Lease => ({ ...current, expiresAt: current.expiresAt + 1 });

const roles: Record<string, () => Promise<void>> = {
  /** Opens the file at the instant given, so that several do at once. */
  async open() {
    while (Date.now() < Number(argument));
    const store = await sqliteStore({ path });
    say(`${store.installation.id} ${Buffer.from(store.installation.secret).toString('hex')}`);
    await store.leases.create({ id: String(process.pid), expiresAt: 1 });
    store.close();
  },

  async increment() {
    const store = await sqliteStore({ path });
    for (let count = 0; count < Number(argument); count++) await store.leases.update('a', increment);
    store.close();
  },

  /** Counts up for ever; each number is in the document and fills eight parts, and is said when it is stored. */
  async write() {
    const store = await sqliteStore({ path });
    for (;;) {
      const next = ((await store.leases.get('a'))?.expiresAt ?? 0) + 1;
      const parts = Array.from({ length: 8 }, (_, index) => [`part${index}`, new Uint8Array(100_000).fill(next)]);
      await store.leases.update('a', increment, Object.fromEntries(parts));
      say(next);
    }
  },

  /** Says how old, in milliseconds, each change is when it hears of it; closes the store at -1. */
  async watch() {
    const store = await sqliteStore({ path });
    store.leases.watch('a', ({ expiresAt }) => {
      say(expiresAt > 0 ? Date.now() - expiresAt : 'ready');
      if (expiresAt < 0) store.close();
    });
  },
};

await roles[role]?.();
