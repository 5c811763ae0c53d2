import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import { stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

const script = `gke() { "${process.execPath}" src/cli/main.ts run "$@" --store "${state.store}"; }`;

/** Runs a line of shell in which `gke` is the command `run`, as pipes of a shell differ from those of Node. */
async function shell(line: string) {
  const child = spawn('bash', ['-c', `${script}\n${line}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk) => {
      said[stream] += chunk;
    });
  }
  const [code] = await once(child, 'close');
  return { code, ...said };
}

describe('standard input', () => {
  it.each([
    ['that comes late is the code', "(sleep 1; echo 'print(42)') | gke - --language python"],
    [
      'that comes in pieces is that of the program',
      `(sleep 1; printf 4; sleep 0.3; echo 2) | gke <(echo 'print(input())') --language python --stdin -`,
    ],
    [
      'from a file is the code',
      `echo 'print(42)' > "${state.path}/code"; gke - --language python < "${state.path}/code"`,
    ],
  ])('%s', async (_, line) => {
    expect(await shell(line)).toEqual({ code: 0, stdout: '42\n', stderr: '' });
  });

  it('that is a directory is told', async () => {
    expect(await shell('gke - --language python < .')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'gke-code-executor: cannot read standard input: EISDIR: illegal operation on a directory, read\n',
    });
  });
});
