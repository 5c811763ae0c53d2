import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

const main = join(import.meta.dirname, '../../src/cli/main.ts');
/** Ends by itself: its test may have run out of time before. */
const script = `gke() { timeout 30 "${process.execPath}" "${main}" run "$@" --store "${state.store}"; }`;

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

describe('what is more than a request can have is read no further', () => {
  const rule = 'must be smaller: code, stdin, files, args and env together may have 614400 bytes\n';

  it.each([
    ['the code', 'gke /dev/zero --language python'],
    ['the code', 'gke - --language python < /dev/zero'],
    ['the code', 'yes | gke <(cat /dev/zero) --language python'],
    ['--stdin', 'yes | gke examples/primes.py --stdin -'],
    ['--stdin', 'gke examples/primes.py --stdin /dev/zero'],
    [
      '--file',
      `cd "${state.path}"; head -c 400000 /dev/zero | tee a > b; cd - >/dev/null; gke examples/primes.py --file "${state.path}"`,
    ],
  ])('%s: %s', async (what, line) => {
    expect(await shell(line)).toEqual({ code: 2, stdout: '', stderr: `gke-code-executor: ${what} ${rule}` });
  });

  it('so many files that no request can have them', async () => {
    const { stderr } = await shell(
      `mkdir "${state.path}/many"; touch "${state.path}"/many/{1..300}; gke examples/primes.py --file "${state.path}/many"`,
    );
    expect(stderr).toBe('gke-code-executor: --file must have at most 256 entries\n');
  });
});

it.each([
  ['a pipe', 'mkfifo "$state/pipe"; gke examples/primes.py --file "$state/pipe"', '/pipe'],
  ['a device', 'ln -s /dev/zero "$state/zero"; gke examples/primes.py --file "$state/zero"', '/zero'],
])('--file takes files and directories, and not %s', async (_, line, name) => {
  expect(await shell(`state="${state.path}"; ${line}`)).toEqual({
    code: 2,
    stdout: '',
    stderr: `gke-code-executor: cannot read ${state.path}${name}: it is not a regular file\n`,
  });
});

it.each([
  [
    'a name with = in it',
    'echo > x=y; gke --file x=y',
    /cannot read x: there is no such file; for the file x=y itself, give --file x=y=NAME$/,
  ],
  [
    'a name that is not UTF-8',
    `mkdir odd; echo > odd/$'\\xff'; gke --file odd`,
    /cannot read odd\/\ufffd: its name is not UTF-8; rename it$/,
  ],
])('--file tells what to do about %s', async (_, line, message) => {
  const { code, stderr } = await shell(`cd "${state.path}"; echo > code.py; ${line.replace('gke', 'gke code.py')}`);
  expect(stderr.trimEnd()).toMatch(message);
  expect(code).toBe(2);
});
