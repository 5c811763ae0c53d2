import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type EmbeddedConfig, openEmbedded } from '../src/embedded.ts';
import { sqliteStore } from '../src/store/sqlite.ts';
import { stateDirectory } from './e2e/command.ts';

const onError = () => {};

async function children(): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '--ppid', String(process.pid)]);
  return stdout.split('\n').filter((line) => line.includes('--permission')).length;
}

function openFilesBelow(directory: string): readonly string[] {
  const targets = readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return 'closed meanwhile';
    }
  });
  return targets.filter((target) => target.startsWith(directory));
}

const failures: [string, (store: string) => Promise<Partial<EmbeddedConfig>>, RegExp][] = [
  [
    'the store file is a directory',
    async (store) => {
      mkdirSync(store);
      return {};
    },
    /executions\.sqlite/,
  ],
  ['there is no kubeconfig', async () => ({ sandbox: 'kubernetes', kubeconfig: '/nowhere/config' }), /nowhere/],
  [
    'the store takes no lease',
    async (path) => {
      (await sqliteStore({ path })).close();
      using database = new DatabaseSync(path);
      database.exec(`CREATE TRIGGER no BEFORE INSERT ON leases BEGIN SELECT RAISE(ABORT, 'no lease'); END`);
      return {};
    },
    /no lease/,
  ],
];

describe.runIf(process.platform === 'linux')('an embedded pipeline that cannot be opened leaves nothing open', () => {
  test.each(failures)('when %s', async (_, prepare, message) => {
    const state = stateDirectory();
    onTestFinished(() => state[Symbol.dispose]());
    const prepared = await prepare(state.store);
    const config: EmbeddedConfig = {
      store: state.store,
      sandbox: 'wasm',
      language: 'javascript',
      onError,
      ...prepared,
    };
    await expect(openEmbedded(config)).rejects.toThrow(message);
    expect([await children(), openFilesBelow(state.path)]).toEqual([0, []]);
  });
});
