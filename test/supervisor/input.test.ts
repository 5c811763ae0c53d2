import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleOf, languages, runSupervisor } from './run-supervisor.ts';

const dump = {
  python: 'import json, os, sys\nprint(json.dumps([sys.argv[1:], sys.stdin.read(), os.getcwd(), dict(os.environ)]))',
  javascript: `const fs = require('fs');
    console.log(JSON.stringify([process.argv.slice(2), fs.readFileSync(0, 'utf8'), process.cwd(), process.env]));`,
};

describe.each(languages)('what goes into a %s program', (language) => {
  it('is arguments, standard input, a work directory and an environment of few names', async () => {
    const args = ['', 'two words', '--flag=ü\u2028', '\'"$(id)\n'];
    const env = { GREETING: 'a=b\nc', HOME: '/elsewhere' };
    let work = '';
    const run = await runSupervisor(language, dump[language], {
      args,
      env,
      stdin: Buffer.from('line\r\n\u2028é'),
      onStart: (_, directory) => {
        work = directory;
      },
    });
    const [seenArgs, seenStdin, seenWork, seenEnv] = JSON.parse(run.stdoutText);
    expect(seenArgs).toEqual(args);
    expect(seenStdin).toBe('line\r\n\u2028é');
    expect(seenWork).toBe(work);
    const ofPython = language === 'python' ? { PYTHONUNBUFFERED: '1', MPLCONFIGDIR: '/tmp/matplotlib' } : {};
    const user = { USER: 'sandbox', LOGNAME: 'sandbox' };
    expect(seenEnv).toEqual({ PATH: process.env['PATH'], TMPDIR: work, LANG: 'C.UTF-8', ...user, ...ofPython, ...env });
  });

  it('is an empty standard input when none is given', async () => {
    const run = await runSupervisor(language, dump[language]);
    expect(JSON.parse(run.stdoutText)[1]).toBe('');
  });

  it('is half a megabyte of standard input, also by its path', async () => {
    const stdin = Buffer.alloc(500_000, 'a\x00\xff\n', 'latin1');
    const echo = {
      python: 'import sys\nsys.stdout.buffer.write(open("/dev/stdin", "rb").read())',
      javascript: 'require("node:fs").createReadStream("/dev/stdin").pipe(process.stdout)',
    };
    const run = await runSupervisor(language, echo[language], { stdin });
    expect(Buffer.from(run.stdout.bytes).equals(stdin)).toBe(true);
  });

  it.each([
    ['a byte order mark', '\ufeffPRINT("ok")\n'],
    ['DOS line ends', 'PRINT("ok")\r\nPRINT("ok")\r\n'],
    ['a line separator in a literal', 'PRINT("\u2028")'],
    ['nothing', ''],
  ])('is code that keeps %s', async (_, template) => {
    const code = template.replaceAll('PRINT', language === 'python' ? 'print' : 'console.log');
    const run = await runSupervisor(language, code);
    const printed = [...template.matchAll(/"([^"]*)"/g)].map(([, text]) => `${text}\n`).join('');
    expect(run).toMatchObject({ exitCode: 0, stdoutText: printed, stderrText: '' });
  });

  it('is code that is not UTF-8, as its bytes', async () => {
    const showsItself = {
      python: '# coding: latin-1\nprint(open(__file__, "rb").read().hex()) # \xff',
      javascript: 'console.log(require("fs").readFileSync(__filename).toString("hex")) // \xff',
    };
    const code = Buffer.from(showsItself[language], 'latin1');
    expect((await runSupervisor(language, code)).stdoutText.trim()).toBe(code.toString('hex'));
  });

  it.each([
    ['is empty', Buffer.alloc(0)],
    ['is of another version', Buffer.from('gke-code-executor bundle 2\ncode 1\n1\n')],
    ['is cut', bundleOf('print(1)').subarray(0, -2)],
    ['ends before the code', bundleOf('print(1)').subarray(0, -'code 8\nprint(1)\n'.length)],
    ['claims more than there is', Buffer.from(String(bundleOf('print(1)')).replace('code 8', 'code 999'))],
    ['counts backwards', Buffer.from('gke-code-executor bundle 1\nstdout 1\n1\ncode -9\n1\n')],
    ['has an endless header', Buffer.from(`gke-code-executor bundle 1\n${'code'.repeat(1000)} 1\n1\n`)],
    [
      'has a limit that is no number',
      Buffer.from(String(bundleOf('print(1)')).replace('timeout 5\n20000', 'timeout 1\nx')),
    ],
    ['has no limits', Buffer.from('gke-code-executor bundle 1\ncode 1\n1\n')],
    ['has an argument with NUL', bundleOf('print(1)', { args: ['a\0b'] })],
    ['has a variable without a name', bundleOf('print(1)', { env: { '': 'x' } })],
  ])('is nothing when the bundle %s: exit code 125 and a reason', async (_, bundle) => {
    const run = await runSupervisor(language, '', { bundle });
    expect(run).toMatchObject({ exitCode: 125, complete: false, stdoutText: '' });
    expect(run.stderrText).toMatch(/^gke-code-executor: ./);
  });
});

describe('a Python program', () => {
  it('sees what it would see under plain python3', async () => {
    const code = `import sys, traceback
print(__name__, [m for m in vars() if m.startswith('__')], sys.flags, sys.argv, sys.orig_argv[1:], len(traceback.extract_stack()))
print(sys.path[1:], sorted(m for m in sys.modules if 'encod' in m or m in ('signal', 'json', 'threading', 'subprocess')))
def fail():
    raise ValueError('on purpose')
fail()
`;
    const run = await runSupervisor('python', code, { args: ['x'] });
    const plain = runPlainly(code, ['x']);
    const withoutDirectory = (text: string) => text.replaceAll(/'?\/\S*main\.py'?/g, 'main.py');
    expect(withoutDirectory(run.stderrText)).toBe(withoutDirectory(plain.stderr));
    expect(withoutDirectory(run.stdoutText)).toBe(withoutDirectory(plain.stdout));
    expect(run.exitCode).toBe(1);
  });

  it.each([
    [{ PYTHONHASHSEED: '0' }, 'print(hash("a"))', runPlainly('print(hash("a"))', [], { PYTHONHASHSEED: '0' }).stdout],
    [{ TZ: 'Asia/Tokyo' }, 'import time\nprint(time.timezone)', '-32400\n'],
  ])('gets %j before its interpreter starts', async (env, code, expected) => {
    expect((await runSupervisor('python', code, { env })).stdoutText).toBe(expected);
  });

  it('runs its exit handlers and waits for its threads', async () => {
    const code = `import atexit, threading, time
atexit.register(print, 'exit handler')
threading.Thread(target=lambda: (time.sleep(0.3), print('thread'))).start()`;
    expect((await runSupervisor('python', code)).stdoutText).toBe('thread\nexit handler\n');
  });

  it('may start processes of its own module', async () => {
    const code = `import multiprocessing
def square(x): return x * x
if __name__ == '__main__':
    with multiprocessing.get_context('spawn').Pool(1) as pool: print(pool.map(square, [1, 2, 3]))`;
    expect((await runSupervisor('python', code)).stdoutText).toBe('[1, 4, 9]\n');
  });
});

describe('a JavaScript program', () => {
  it.each([
    ['CommonJS', 'const os = require("node:os"); console.log(typeof os.cpus, typeof __filename)', 'function string\n'],
    ['a module', 'import os from "node:os"; console.log(await Promise.resolve(typeof os.cpus))', 'function\n'],
  ])('may be %s', async (_, code, printed) => {
    const run = await runSupervisor('javascript', code);
    expect(run).toMatchObject({ exitCode: 0, stdoutText: printed, stderrText: '' });
  });
});

function runPlainly(code: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'plain-'));
  writeFileSync(join(directory, 'main.py'), code);
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)']).toString().trim();
  const run = spawnSync(python, ['-u', join(directory, 'main.py'), ...args], {
    env: { PATH: process.env['PATH'], LANG: 'C.UTF-8', ...env },
  });
  rmSync(directory, { recursive: true });
  return { stdout: run.stdout.toString(), stderr: run.stderr.toString() };
}
