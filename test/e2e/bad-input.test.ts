import { afterAll, describe, expect, it } from 'vitest';
import { command, stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());
const here = ['--store', state.store];

describe('bad input is one readable message and exit code 2', () => {
  it.each([
    ['a file that is not there', ['run', 'nowhere.py'], 'cannot read nowhere.py'],
    ['no language', ['run', 'LICENSE'], 'cannot tell the language of LICENSE; give --language python or javascript'],
    [
      'an unknown language',
      ['run', 'examples/primes.py', '--language', 'cobol'],
      '--language must be one of python, javascript',
    ],
    [
      'an unknown sandbox',
      ['run', 'examples/primes.py', '--sandbox', 'docker'],
      'Allowed choices are wasm, kubernetes',
    ],
    [
      'a time limit of zero',
      ['run', 'examples/primes.py', '--timeout', '0'],
      '--timeout must be an integer from 1 to 3600, got 0',
    ],
    ['a huge time limit', ['run', 'examples/primes.py', '--timeout', '1e9'], 'Give a duration such as 30, 30s or 5m'],
    ['not a quantity', ['run', 'examples/primes.py', '--memory', 'lots'], 'Give a quantity such as 128Mi'],
    [
      'too little memory',
      ['run', 'examples/primes.py', '--memory', '1Mi'],
      '--memory (in MiB) must be an integer from',
    ],
    [
      'an image for WASM',
      ['run', 'examples/primes.py', '--image', 'x'],
      '--image this sandbox has no container images',
    ],
    ['an environment name', ['run', 'examples/primes.py', '--env', '1A=x'], '--env 1A: names must be'],
    ['an unknown command', ['fly'], "unknown command 'fly'"],
    ['an unknown option', ['run', 'examples/primes.py', '--fast'], "unknown option '--fast'"],
    ['an unknown id', ['get', 'nothing'], 'execution nothing not found'],
    [
      'an empty idempotency key',
      ['run', 'examples/primes.py', '--idempotency-key', ''],
      'Give 1 to 255 printable ASCII',
    ],
    ['a made-up cursor', ['list', '--cursor', 'zzz'], 'gke-code-executor: --cursor is not a cursor of this list'],
    [
      'a server and a sandbox of our own',
      ['run', 'examples/primes.py', '--server', 'http://127.0.0.1:9', '--sandbox', 'wasm'],
      "'--server <url>' cannot be used with option '--sandbox <kind>'",
    ],
    ['a server that serves by another', ['serve', '--server', 'http://127.0.0.1:9'], "unknown option '--server'"],
    ['a server that is not there', ['list', '--server', 'http://127.0.0.1:9'], '127.0.0.1:9'],
    ['a server that is no URL', ['list', '--server', 'nonsense'], 'nonsense'],
    [
      'a kubeconfig that is not there',
      ['run', 'examples/primes.py', '--sandbox', 'kubernetes', '--kubeconfig', '/nowhere'],
      '/nowhere',
    ],
  ])('%s', async (_, args, message) => {
    const ran = await command(args.includes('--server') || args[0] === 'fly' ? args : [...args, ...here]);
    expect(ran.stderr.toString()).toContain(message);
    expect(ran.stderr.toString()).not.toMatch(/^\s+at /m);
    expect(ran.code).toBe(2);
    expect(ran.stdout.toString()).toBe('');
  });

  it.each([
    ['no command for the cluster', [], 'Usage: gke-code-executor cluster'],
    [
      'a namespace that others use',
      ['apply', '--namespace', 'default'],
      '--namespace default is not for executions alone',
    ],
    ['a name that no namespace can have', ['check', '--namespace', 'A_B'], '--namespace A_B cannot be a namespace'],
    ['a function that has no rights', ['apply', '--user', 'api=a@b'], '--user api: is none of launch, watch, complete'],
    ['a user without a name', ['apply', '--user', 'launch'], 'Give name=value.'],
    [
      'every image of a host',
      ['apply', '--allow-image', 'ghcr.io/me'],
      '--allow-image ghcr.io/me: give an image with its tag',
    ],
    ['two images at once', ['apply', '--allow-image', 'a:1 b:2'], '--allow-image a:1 b:2: give an image with its tag'],
    ['no Jobs at all', ['check', '--max-jobs', '0'], 'Give a number from 1 to 100000.'],
    ['a kubeconfig that is not there', ['check', '--kubeconfig', '/nowhere'], 'cannot read the kubeconfig /nowhere'],
  ])('%s', async (_, args, message) => {
    const ran = await command(['cluster', ...args]);
    expect(ran.stderr.toString()).toContain(message);
    expect(ran.stderr.toString()).not.toMatch(/^\s+at /m);
    expect(ran.code).toBe(2);
    expect(ran.stdout.toString()).toBe('');
  });

  const runStandardInput = (stdin: string | Uint8Array) =>
    command(['run', '-', '--language', 'python', ...here], { stdin });

  it('code that is not UTF-8', async () => {
    expect(await runStandardInput(Buffer.from([0x70, 0xff]))).toMatchObject({
      code: 2,
      stderr: Buffer.from('gke-code-executor: - is not UTF-8; convert it first\n'),
    });
  });

  it('code with NUL', async () => {
    const ran = await runStandardInput('print(1)\0');
    expect(ran).toMatchObject({ code: 2, stderr: Buffer.from('gke-code-executor: the code must not contain NUL\n') });
  });
});
