import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import { command, server, stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());
const here = ['--store', state.store];

async function listed(): Promise<{ readonly id: string; readonly state: string }> {
  const { stdout } = await command(['list', '--json', '--limit', '1', ...here]);
  return JSON.parse(stdout.toString() || '{}');
}

describe('run, once its request was accepted, never says that nothing ran', () => {
  it('when its server goes away', async () => {
    const serving = await server(here);
    const running = command(['run', '-', '--language', 'python', '--server', serving.url], {
      stdin: 'while True: pass',
    });
    while ((await listed()).state !== 'RUNNING');
    await serving.end('SIGKILL');
    const ran = await running;
    const { id } = await listed();
    expect(ran.code).toBe(126);
    expect(ran.stderr.toString()).toContain(`cannot reach ${serving.url}`);
    expect(ran.stderr.toString()).toContain(
      `execution ${id} was accepted; look for it with: gke-code-executor get ${id}`,
    );
  });

  it('when its output cannot be written', async () => {
    const script = `exec "${process.execPath}" src/cli/main.ts run examples/primes.py ${here.join(' ')} > /dev/full`;
    const shell = spawn('sh', ['-c', script]);
    let stderr = '';
    shell.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [code] = await once(shell, 'close');
    const { id } = await listed();
    expect(code).toBe(126);
    expect(stderr).toContain('no space left on device');
    expect(stderr).toContain(`execution ${id} was accepted`);
  });
});
