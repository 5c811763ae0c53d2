import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { childArguments } from '../../../src/sandbox/wasm/child-arguments.ts';
import { spawnSandbox } from '../../../src/sandbox/wasm/spawn.ts';
import { mebibytes, noFiles } from './run.ts';

const parentFile = fileURLToPath(new URL('./parent.ts', import.meta.url));
const fullParentFile = fileURLToPath(new URL('./full-parent.ts', import.meta.url));
const runFile = promisify(execFile);

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await runFile('ps', ['-o', 'pid=,args=', '--ppid', String(pid)]);
  const lines = stdout.split('\n').filter((line) => line.includes('--permission'));
  return lines.map((line) => Number.parseInt(line, 10));
}

/** Gone, or a zombie that nobody has waited for yet. */
async function isGone(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tX');
  return /^State:\s+[XZ]/m.test(status);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 200; round++) {
    if (await isSo()) return;
    await sleep(50);
  }
  throw new Error('not so within ten seconds');
}

describe.runIf(process.platform === 'linux')('a child process', () => {
  test('ends when its parent is killed, whatever it is doing', async () => {
    const parent = spawn(process.execPath, [parentFile], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(parent.stdout, 'data');
    const pid = parent.pid ?? 0;
    await until(async () => (await childrenOf(pid)).length === 3);
    const children = await childrenOf(pid);
    parent.kill('SIGKILL');
    await until(async () => (await Promise.all(children.map(isGone))).every(Boolean));
  });

  test('for which there is no descriptor left is an error for whoever wanted it, and its parent goes on', async () => {
    const script = 'ulimit -n 64; exec "$0" "$1"';
    const { stdout } = await runFile('sh', ['-c', script, process.execPath, fullParentFile]);
    expect(stdout).toBe(
      'Error: the WebAssembly sandbox did not start: this process or the system has no file descriptor left\nready\n',
    );
  });

  test('that never came to be is killed as one that is gone', async () => {
    const path = process.execPath;
    process.execPath = '/nowhere/node';
    const child = spawnSandbox('javascript');
    process.execPath = path;
    await expect(child.ready).rejects.toThrow('ENOENT');
    await child.kill();
  });

  test('has nothing of its parent: no environment, no directory, no descriptors but its pipes', async () => {
    const child = spawnSandbox('javascript');
    await child.ready;
    const [pid = 0] = await childrenOf(process.pid);
    const [environment, directory, descriptors] = await Promise.all([
      readFile(`/proc/${pid}/environ`, 'utf8'),
      readlink(`/proc/${pid}/cwd`),
      readdir(`/proc/${pid}/fd`),
    ]);
    const kinds = await Promise.all(descriptors.map((number) => readlink(`/proc/${pid}/fd/${number}`).catch(() => '')));
    await child.kill();
    expect(environment).toBe('');
    expect(directory).toBe('/');
    expect(kinds.filter((kind) => kind.startsWith('socket:'))).toHaveLength(6);
    expect(kinds.filter((kind) => /^\/(?!dev\/(null|urandom))/.test(kind))).toEqual([]);
  });
});

describe.runIf(process.platform === 'linux')('a child process that has stopped', () => {
  const limits = { memoryLimitBytes: mebibytes(64), maxStdoutBytes: 100, maxStderrBytes: 100 };
  const program = { code: Buffer.from('for (;;);'), args: [], env: {}, stdin: new Uint8Array(), ...noFiles, ...limits };

  async function stoppedChild(timeoutSeconds: number) {
    const child = spawnSandbox('javascript');
    await child.ready;
    const ending = child.run({ ...program, timeoutSeconds });
    const [pid = 0] = await childrenOf(process.pid);
    process.kill(pid, 'SIGSTOP');
    return { child, ending };
  }

  test('is killed from outside when it is to be killed', async () => {
    const { child, ending } = await stoppedChild(60);
    await child.kill();
    expect(await ending).toMatchObject({ ending: 'killed', exitCode: 137 });
  });

  test('is killed from outside at its time limit', async () => {
    const { ending } = await stoppedChild(1);
    expect(await ending).toMatchObject({ ending: 'timedOut', exitCode: 137 });
  });
});

describe.concurrent('the permission model behind the sandbox refuses', () => {
  const all = childArguments('javascript');
  const flags = all.slice(0, all.indexOf('--eval'));

  test.each([
    { name: 'reading files', code: `require('fs').readFileSync('/etc/passwd')` },
    { name: 'listing directories', code: `require('fs').readdirSync('/')` },
    { name: 'writing files', code: `require('fs').writeFileSync(require('os').tmpdir() + '/x', '')` },
    { name: 'starting processes', code: `require('child_process').execFileSync('id')` },
    { name: 'native code', code: `process.dlopen({ exports: {} }, '/x.node')` },
  ])('$name', async ({ code }) => {
    const failing = runFile(process.execPath, [...flags, '--eval', code]);
    await expect(failing).rejects.toThrow(/ERR_ACCESS_DENIED|ERR_DLOPEN_DISABLED/);
  });
});
