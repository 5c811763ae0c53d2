import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startEmbedded } from '../src/embedded.ts';
import { storeWriter } from '../src/local-executor.ts';
import { memoryCluster } from '../src/sandbox/memory/cluster.ts';
import { memorySandbox } from '../src/sandbox/memory.ts';
import type { Sandbox } from '../src/sandbox/sandbox.ts';
import { wasmSandbox } from '../src/sandbox/wasm/sandbox.ts';
import { type SqliteStore, sqliteStore } from '../src/store/sqlite.ts';
import { stateDirectory } from './e2e/command.ts';

/** Milliseconds in which the owner acts on what another process asked for; a round of its reconciler is 3 s later. */
const soonMs = 2_000;
const forever = { language: 'python', code: 'print("begun", flush=True)\nwhile True: pass' };

/** One of several processes on a store file. */
async function processOn(path: string, make: (store: SqliteStore) => Sandbox) {
  const store = await sqliteStore({ path });
  const sandbox = make(store);
  const removed: string[] = [];
  const remove: Sandbox['remove'] = async (job, options) => {
    const removal = await sandbox.remove(job, options);
    removed.push(job.executionId);
    return removal;
  };
  const { executor, close } = await startEmbedded({ store, sandbox: { ...sandbox, remove }, onError: () => {} });
  onTestFinished(async () => {
    await close();
    for (const job of await sandbox.list()) await sandbox.remove(job, { wait: true });
    store.close();
  });
  return { store, sandbox, executor, removed, close };
}

const wasm = ({ installation }: SqliteStore) => wasmSandbox({ installation: installation.id, maxChildren: 1 });
const other = ({ installation }: SqliteStore) =>
  memorySandbox({ cluster: memoryCluster(), installation: installation.id, namespaceUid: 'ns' });

function storeFile(): string {
  const state = stateDirectory();
  onTestFinished(() => state[Symbol.dispose]());
  return join(state.path, 'store.sqlite');
}

/** A process whose program runs and has printed. */
async function running(path: string, make: (store: SqliteStore) => Sandbox = wasm) {
  const owner = await processOn(path, make);
  const { execution } = await owner.executor.submit(forever, {});
  const job = async () => (await owner.sandbox.list())[0] ?? { executionId: '', jobUid: '' };
  const spec = async () => {
    const record = await owner.store.executions.get(execution.id);
    if (record === undefined) throw new Error('no record');
    return { executionId: record.id, request: record.request };
  };
  await expect
    .poll(async () => (await owner.sandbox.output(await job(), await spec())).stdout.bytes.length, { timeout: 20_000 })
    .toBeGreaterThan(0);
  return { owner, id: execution.id };
}

test.each([
  ['of the same kind', wasm],
  ['with a sandbox of another kind', other],
])('a cancellation through another process %s is the owner’s to carry out', async (_, make) => {
  const path = storeFile();
  const { owner, id } = await running(path);
  const neighbour = await processOn(path, make);
  const removedAtTheEnd: (readonly string[])[] = [];
  owner.store.executions.watch(id, ({ state }) => {
    if (state === 'CANCELLED') removedAtTheEnd.push([...owner.removed]);
  });
  expect((await neighbour.executor.cancel(id))?.state).toBe('STOPPING');
  const ended = await neighbour.executor.wait(id, soonMs / 1000);
  expect(ended).toMatchObject({ state: 'CANCELLED', result: { started: true } });
  expect(Buffer.from((await neighbour.executor.output(id, 'stdout')) ?? []).toString()).toBe('begun\n');
  expect(removedAtTheEnd).toEqual([[id]]);
  expect([await owner.sandbox.list(), neighbour.removed]).toEqual([[], []]);
});

test('a cancellation that is only written into the store is carried out as soon', async () => {
  const path = storeFile();
  const { owner, id } = await running(path);
  const store = await sqliteStore({ path });
  onTestFinished(() => store.close());
  await storeWriter(store).cancel(id);
  expect(await owner.executor.wait(id, soonMs / 1000)).toMatchObject({ state: 'CANCELLED' });
});

test('what dies with its process has ended when that has closed, and what waits is left to the next', async () => {
  const { owner, id } = await running(storeFile());
  const waiting = await owner.executor.submit({ language: 'python', code: 'print(1)' }, {});
  await owner.close();
  expect(await owner.executor.get(id)).toMatchObject({
    state: 'INFRA_INTERRUPTED',
    result: { started: true, outputComplete: false, message: 'the process that ran it ended' },
  });
  expect(Buffer.from((await owner.executor.output(id, 'stdout')) ?? []).toString()).toBe('begun\n');
  expect(await owner.executor.get(waiting.execution.id)).toMatchObject({ state: 'ACCEPTED' });
});

test('what is being stopped when its process closes ends as what it was stopped for', async () => {
  const { owner, id } = await running(storeFile());
  await Promise.all([storeWriter(owner.store).cancel(id), owner.close()]);
  expect(await owner.executor.get(id)).toMatchObject({ state: 'CANCELLED', result: { started: true } });
});

test.each<[string, () => Promise<never>]>([
  ['fails', () => Promise.reject(new Error('no'))],
  ['never ends', () => new Promise(() => {})],
])('a process closes soon though its last work %s', async (_, work) => {
  let isClosing = false;
  const { owner, id } = await running(storeFile(), (store) => {
    const sandbox = wasm(store);
    return { ...sandbox, output: (job, spec) => (isClosing ? work() : sandbox.output(job, spec)) };
  });
  isClosing = true;
  const began = Date.now();
  await owner.close();
  expect(Date.now() - began).toBeLessThan(4_000);
  expect(await owner.executor.get(id)).toMatchObject({ state: 'RUNNING' });
});

test('what runs elsewhere goes on when the process closes that drives it', async () => {
  const owner = await processOn(storeFile(), other);
  const { execution } = await owner.executor.submit(forever, {});
  await expect.poll(async () => (await owner.executor.get(execution.id))?.state, { timeout: 20_000 }).toBe('RUNNING');
  await owner.close();
  expect(await owner.executor.get(execution.id)).toMatchObject({ state: 'RUNNING' });
  expect(owner.removed).toEqual([]);
});
