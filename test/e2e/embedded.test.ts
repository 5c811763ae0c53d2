import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { httpExecutor } from '../../src/client/client.ts';
import { sqliteStore } from '../../src/store/sqlite.ts';
import { command, server, stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

describe('processes on one store file', () => {
  it('killed serve: what had not started runs under the next, what had started is INFRA_INTERRUPTED', async () => {
    const path = `${state.path}/killed.sqlite`;
    const first = await server(['--store', path]);
    const executor = httpExecutor({ server: new URL(first.url) });
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      const code = `import time\nprint(${n}, flush=True)\ntime.sleep(3)\nprint("done")`;
      ids.push((await executor.submit({ language: 'python', code }, {})).execution.id);
    }
    await expect
      .poll(async () => (await executor.list({ state: 'RUNNING', limit: 10 })).executions.length, { timeout: 20_000 })
      .toBeGreaterThan(0);
    await first.end('SIGKILL');
    const store = await sqliteStore({ path });
    const atDeath = await Promise.all(ids.map(async (id) => (await store.executions.get(id))?.state));
    store.close();
    expect(new Set(atDeath)).toContain('RUNNING');
    expect(atDeath.some((at) => at === 'ACCEPTED' || at === 'LAUNCHING')).toBe(true);
    const second = await server(['--store', path]);
    const next = httpExecutor({ server: new URL(second.url) });
    for (const [n, id] of ids.entries()) {
      const ended = await next.wait(id, 60);
      const running = atDeath[n] === 'RUNNING';
      expect({ n, state: ended?.state, fault: ended?.result?.fault, started: ended?.result?.started }).toEqual({
        n,
        state: running ? 'INFRA_INTERRUPTED' : 'SUCCEEDED',
        fault: running ? 'platform' : null,
        started: true,
      });
      if (!running) expect(Buffer.from((await next.output(id, 'stdout')) ?? []).toString()).toBe(`${n}\ndone\n`);
    }
    await second.end('SIGTERM');
  }, 120_000);

  it('a serve that is stopped with work in its queue has nothing to report, and leaves nothing that seems to run', async () => {
    const path = `${state.path}/stopped.sqlite`;
    const serving = await server(['--store', path]);
    const executor = httpExecutor({ server: new URL(serving.url) });
    for (let n = 0; n < 6; n++) {
      await executor.submit({ language: 'python', code: `import time\ntime.sleep(${n / 5})` }, {});
    }
    await expect
      .poll(async () => (await executor.list({ state: 'SUCCEEDED', limit: 10 })).executions.length, { timeout: 20_000 })
      .toBeGreaterThan(0);
    await serving.end('SIGTERM');
    expect(serving.stderr()).toMatch(/^gke-code-executor: listening on \S+\n$/);
    expect((await command(['list', '--state', 'RUNNING', '--json', '--store', path])).stdout.toString()).toBe('');
  }, 60_000);

  it('list shows every execution that can be read, and names the one that cannot', async () => {
    const store = `${state.path}/damaged.sqlite`;
    for (let n = 0; n < 2; n++) await command(['run', 'examples/primes.py', '--store', store]);
    const database = new DatabaseSync(store);
    const [{ id } = { id: '' }] = database.prepare('SELECT id FROM executions LIMIT 1').all();
    const strange = '{"id":"x","state":"DREAMING"}';
    database.prepare('UPDATE executions SET _document = ? WHERE id = ?').run(strange, id ?? '');
    database.close();
    const listed = await command(['list', '--store', store, '--json']);
    expect([listed.code, listed.stdout.toString().trim().split('\n').length]).toEqual([0, 1]);
    expect(listed.stderr.toString()).toMatch(
      new RegExp(`^gke-code-executor: the document executions/${id} does not parse`),
    );
  }, 30_000);

  it('three runs beside one serve do not disturb one another', async () => {
    const path = `${state.path}/shared.sqlite`;
    const serving = await server(['--store', path]);
    const executor = httpExecutor({ server: new URL(serving.url) });
    const code = (name: string) => `import time\nprint("${name}", flush=True)\ntime.sleep(2)\nprint("done")`;
    const { execution } = await executor.submit({ language: 'python', code: code('serve') }, {});
    const runs = await Promise.all(
      ['one', 'two', 'three'].map((name) =>
        command(['run', '-', '--language', 'python', '--store', path, '--json'], { stdin: code(name) }),
      ),
    );
    for (const [n, name] of ['one', 'two', 'three'].entries()) {
      expect(runs[n]?.code).toBe(0);
      expect(JSON.parse(runs[n]?.stdout.toString() ?? '')).toMatchObject({
        state: 'SUCCEEDED',
        result: { stdout: { text: `${name}\ndone\n` } },
      });
      expect(runs[n]?.stderr.toString()).toBe('');
    }
    expect((await executor.wait(execution.id, 60))?.state).toBe('SUCCEEDED');
    const store = await sqliteStore({ path });
    const { items } = await store.executions.query({ equal: {}, direction: 'descending', limit: 10 });
    expect(items.map(({ owner }) => owner?.epoch)).toEqual([1, 1, 1, 1]);
    expect(new Set(items.map(({ owner }) => owner?.process)).size).toBe(4);
    store.close();
    await serving.end('SIGTERM');
    expect(serving.stderr()).not.toContain('rror');
  }, 120_000);
});
