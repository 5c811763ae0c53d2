import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../scripts/emulator.ts';
import { command, stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

function serve(port: number, redirection = ''): ChildProcess {
  const command = `exec "${process.execPath}" src/cli/main.ts serve --port ${port} --store "${state.store}" ${redirection}`;
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function health(port: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
  return answer?.status ?? 0;
}

describe('what cannot be said on standard error is not said, and', () => {
  it.each([
    ['nobody reads it', ''],
    ['there is no space for it', '2>/dev/full'],
  ])('serve goes on: %s', async (_, redirection) => {
    const port = await freePort();
    const child = serve(port, redirection);
    child.stderr?.destroy();
    await expect.poll(() => health(port), { timeout: 20_000 }).toBe(200);
    // The word that it listens comes after that it does.
    await command(['list', '--server', `http://127.0.0.1:${port}`]);
    expect(await health(port)).toBe(200);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('a usage error is one still', async () => {
    const child = spawn('sh', ['-c', `"${process.execPath}" src/cli/main.ts get nothing 2>/dev/full`]);
    expect(await once(child, 'close')).toEqual([2, null]);
  });
});

it('the log of a function ends nothing when there is no space for it', async () => {
  const code = `import { jsonLog } from './src/log.ts';
    const log = jsonLog({ projectId: undefined });
    setInterval(() => log.warning('unheard'), 10);
    setTimeout(() => process.exit(0), 200);`;
  const child = spawn('sh', ['-c', `exec "${process.execPath}" --input-type=module-typescript >/dev/full`]);
  child.stdin.end(code);
  expect(await once(child, 'close')).toEqual([0, null]);
});
