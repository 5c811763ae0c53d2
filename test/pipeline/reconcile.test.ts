import { expect, onTestFinished, test, vi } from 'vitest';
import { startEmbedded } from '../../src/embedded.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { reconcile, sweep } from '../../src/pipeline/reconcile.ts';
import { retire } from '../../src/pipeline/retention.ts';
import { memoryCluster } from '../../src/sandbox/memory/cluster.ts';
import { memorySandbox } from '../../src/sandbox/memory.ts';
import { createMemory, memoryStore } from '../../src/store/memory.ts';
import { world } from './world.ts';

const second = 'time.sleep(1)\nprint("done")';

type Executions = Ports['store']['executions'];

function withExecutions(ports: Ports, change: (own: Executions) => Partial<Executions>): Ports {
  const { executions } = ports.store;
  return { ...ports, store: { ...ports.store, executions: { ...executions, ...change(executions) } } };
}

/** The ports, and how many records each query brought. */
function counting(ports: Ports) {
  const sizes: number[] = [];
  const counted = withExecutions(ports, ({ query }) => ({
    query: async (asked) => {
      const page = await query(asked);
      sizes.push(page.items.length);
      return page;
    },
  }));
  return { counted, sizes };
}

/** Ids of that many accepted executions, oldest first. */
async function accepted(w: ReturnType<typeof world>, ports: Ports, count: number, fields = {}) {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    ids.push(await w.submit(ports, second, fields));
    await w.clock.pass(1);
  }
  return ids;
}

test('a round looks at every open execution, and never holds more than fifty records', async () => {
  const w = world();
  const ports = w.ports();
  await accepted(w, ports, 520, { startTimeoutSeconds: 3600 });
  const [last = ''] = await accepted(w, ports, 1, { startTimeoutSeconds: 1 });
  await w.clock.pass(2_000);
  const { counted, sizes } = counting(ports);
  expect(await reconcile(counted)).toBe(521);
  expect(Math.max(...sizes)).toBe(50);
  expect((await w.get(last)).state).toBe('START_TIMEOUT');
});

test('what fails for one execution is thrown when all the others were looked at', async () => {
  const w = world();
  const ports = w.ports();
  const [first = '', ...others] = await accepted(w, ports, 3, { startTimeoutSeconds: 1 });
  await w.clock.pass(2_000);
  const refusing = withExecutions(ports, ({ update }) => ({
    update: (id, ...rest) => (id === first ? Promise.reject(new Error('too large')) : update(id, ...rest)),
  }));
  await expect(reconcile(refusing)).rejects.toThrow('too large');
  const states = await Promise.all([first, ...others].map(async (id) => (await w.get(id)).state));
  expect(states).toEqual(['ACCEPTED', 'START_TIMEOUT', 'START_TIMEOUT']);
});

test('an execution that does not parse keeps no other waiting, and is reported', async () => {
  const w = world();
  const memory = createMemory(w.clock.now);
  const errors: unknown[] = [];
  const installation = { id: 'aaaaaaaa', secret: new Uint8Array(32) };
  const store = memoryStore({ installation, memory, onError: (error) => errors.push(error) });
  const ports = { ...w.ports(), store };
  const [strange = '', other = ''] = await accepted(w, ports, 2, { startTimeoutSeconds: 1 });
  const rows = memory.rows.get('executions');
  const row = rows?.get(strange);
  if (row !== undefined) rows?.set(strange, { ...row, text: row.text.replace('ACCEPTED', 'HIBERNATING') });
  await w.clock.pass(2_000);
  expect(await reconcile(ports)).toBe(1);
  expect((await store.executions.get(other))?.state).toBe('START_TIMEOUT');
  expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining(`executions/${strange}`) })]);
});

test('a round that fails keeps the sweep from nothing', async () => {
  const cluster = memoryCluster({ delay: () => 1 });
  const installation = { id: 'aaaaaaaa', secret: new Uint8Array(32) };
  const store = memoryStore({ installation });
  const sandbox = memorySandbox({ cluster, installation: installation.id, namespaceUid: 'ns' });
  const w = world();
  const { request } = await w.get(await w.submit(w.ports(), second));
  await sandbox.create({ executionId: 'stray', request });
  const query = () => Promise.reject(new Error('no answer'));
  const errors: unknown[] = [];
  const { close } = await startEmbedded({
    store: { ...store, executions: { ...store.executions, query } },
    sandbox,
    onError: (error) => errors.push(error),
  });
  onTestFinished(close);
  await vi.waitFor(async () => expect(await sandbox.list()).toEqual([]), { timeout: 5_000 });
  expect(errors).toContainEqual(new Error('no answer'));
});

test('a Job that cannot be deleted keeps no other from being swept away', async () => {
  const w = world();
  const ports = w.ports();
  const { request } = await w.get(await w.submit(ports, second));
  for (const executionId of ['a', 'b', 'c']) await ports.sandbox.create({ executionId, request });
  const { remove } = ports.sandbox;
  const stubborn: typeof remove = (job, options) =>
    job.executionId === 'a' ? Promise.reject(new Error('no answer')) : remove(job, options);
  await expect(sweep({ ...ports, sandbox: { ...ports.sandbox, remove: stubborn } })).rejects.toThrow('no answer');
  await w.clock.pass(1_000);
  expect((await ports.sandbox.list()).map(({ executionId }) => executionId)).toEqual(['a']);
});

test('a round of retirement holds no more than ten records at a time', async () => {
  const w = world();
  const ports = w.ports();
  const ids = await accepted(w, ports, 25, { startTimeoutSeconds: 1 });
  await w.clock.pass(2_000);
  await reconcile(ports);
  await w.clock.pass(31 * 86_400_000);
  const { counted, sizes } = counting(ports);
  await retire(counted);
  expect(Math.max(...sizes)).toBe(10);
  for (const id of ids) expect(await ports.store.executions.get(id)).toBeUndefined();
});
