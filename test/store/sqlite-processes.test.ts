import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { sqliteStore } from '../../src/store/sqlite.ts';
import { temporaryDirectory } from './files.ts';

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a role of sqlite-child.ts; `lines` are what it has said so far, `ended` is its exit code and its errors. */
function start(role: string, path: string, argument: unknown = '') {
  const program = fileURLToPath(new URL('./sqlite-child.ts', import.meta.url));
  const child = spawn(process.execPath, [program, role, path, String(argument)], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const lines: string[] = [];
  const errors: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  createInterface(child.stderr).on('line', (line) => errors.push(line));
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return { code, errors };
  });
  return { lines, ended, kill: () => child.kill('SIGKILL') };
}

const success = { code: 0, errors: [] };
const until = (assertion: () => void) => vi.waitFor(assertion, { timeout: 15_000, interval: 5 });

async function temporaryStore() {
  const directory = await temporaryDirectory();
  const path = join(directory.path, 'new', 'store.sqlite');
  return { path, [Symbol.asyncDispose]: directory.remove };
}

describe('processes on one file', () => {
  test('that make it at the same moment agree on its identity, and print no warning', async () => {
    for (const _ of [1, 2]) {
      await using file = await temporaryStore();
      const at = Date.now() + 800;
      const children = [1, 2, 3, 4].map(() => start('open', file.path, at));
      expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([success, success, success, success]);
      const identities = new Set(children.flatMap(({ lines }) => lines));
      const store = await sqliteStore({ path: file.path });
      const { id, secret } = store.installation;
      expect(identities).toEqual(new Set([`${id} ${Buffer.from(secret).toString('hex')}`]));
      expect((await store.leases.query({ equal: {}, direction: 'ascending', limit: 9 })).items).toHaveLength(4);
      store.close();
    }
  });

  test('lose no update of each other', async () => {
    await using file = await temporaryStore();
    const store = await sqliteStore({ path: file.path });
    await store.leases.create({ id: 'a', expiresAt: 0 });
    const children = [1, 2].map(() => start('increment', file.path, 1000));
    for (let count = 0; count < 300; count++) {
      await store.leases.update('a', (lease) => ({ ...lease, expiresAt: lease.expiresAt + 1 }));
      await sleep(1);
    }
    expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([success, success]);
    expect(await store.leases.get('a')).toEqual({ id: 'a', expiresAt: 2300 });
    store.close();
  });

  test('hear of each other within 200 ms; watching alone keeps one alive, a closed store does not', async () => {
    await using file = await temporaryStore();
    const store = await sqliteStore({ path: file.path });
    await store.leases.create({ id: 'a', expiresAt: 0 });
    const watching = start('watch', file.path);
    await until(() => expect(watching.lines).toEqual(['ready']));
    for (let change = 1; change <= 8; change++) {
      await sleep(37 * (change % 3));
      await store.leases.update('a', () => ({ id: 'a', expiresAt: Date.now() }));
      await until(() => expect(watching.lines).toHaveLength(change + 1));
    }
    const delays = watching.lines.slice(1).map(Number);
    // The median, since a busy machine may hold any one of them up.
    expect(delays.toSorted((a, b) => a - b)[4]).toBeLessThan(200);
    await store.leases.update('a', () => ({ id: 'a', expiresAt: -1 }));
    expect(await watching.ended).toEqual(success);
    store.close();
  });
});

test('a process killed in the middle of its writes leaves whole changes, and every one it confirmed', async () => {
  await using file = await temporaryStore();
  const store = await sqliteStore({ path: file.path });
  await store.leases.create({ id: 'a', expiresAt: 0 });
  for (let round = 0; round < 5; round++) {
    const writing = start('write', file.path);
    await until(() => expect(writing.lines.length).toBeGreaterThan(2));
    await sleep(3 + 7 * round);
    writing.kill();
    await writing.ended;
    const stored = (await store.leases.get('a'))?.expiresAt ?? -1;
    const confirmed = Number(writing.lines.at(-1));
    expect([confirmed, confirmed + 1]).toContain(stored);
    const whole = Buffer.alloc(100_000, stored);
    for (let index = 0; index < 8; index++) {
      const part = (await store.leases.part('a', `part${index}`)) ?? new Uint8Array();
      expect(
        Buffer.compare(part, whole),
        `part ${index} is of change ${part[0]}, the document of ${stored & 0xff}`,
      ).toBe(0);
    }
  }
  store.close();
  using database = new DatabaseSync(file.path);
  expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
}, 30_000);
