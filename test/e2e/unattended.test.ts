import { afterAll, expect, test } from 'vitest';
import { httpExecutor } from '../../src/client/client.ts';
import { sqliteStore } from '../../src/store/sqlite.ts';
import { command, server, stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());
const here = ['--store', state.store];

/** Exit code and notes of a command on the store file. */
async function said(...look: readonly string[]) {
  const { code, stderr } = await command([...look, ...here]);
  return [code, stderr.toString()];
}

test('that no process works on a store is said of what is open, and only then', async () => {
  const serving = await server(here);
  const executor = httpExecutor({ server: new URL(serving.url) });
  const { id } = (await executor.submit({ language: 'python', code: 'import time; time.sleep(600)' }, {})).execution;
  await expect.poll(async () => (await executor.get(id))?.state, { timeout: 20_000 }).toBe('RUNNING');
  const open = `gke-code-executor: execution ${id} has not ended: cancel it, or wait for its end\n`;
  expect(await said('get', id)).toEqual([0, '']);
  expect(await said('delete', id)).toEqual([2, open]);
  await serving.end('SIGKILL');
  const store = await sqliteStore({ path: state.store });
  const { items } = await store.leases.query({ equal: {}, direction: 'ascending', limit: 10 });
  for (const lease of items) await store.leases.remove(lease.id);
  store.close();
  const note =
    'gke-code-executor: no process works on this store now: start `gke-code-executor serve`, or any `run`, with the same --store and --sandbox, which will end it\n';
  expect(await said('get', id)).toEqual([0, note]);
  expect(await said('list')).toEqual([0, note]);
  expect(await said('list', '--state', 'SUCCEEDED')).toEqual([0, '']);
  expect(await said('cancel', id)).toEqual([0, note]);
  expect(await said('delete', id)).toEqual([2, note + open]);
  expect(await said('run', 'examples/primes.py')).toEqual([0, '15 primes below 50\n']);
  expect(await said('get', id)).toEqual([0, '']);
  expect(await said('cancel', id)).toEqual([0, '']);
  expect(await said('delete', id)).toEqual([0, '']);
}, 60_000);
