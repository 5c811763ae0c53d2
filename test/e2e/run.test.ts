import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { command, server, stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());
const here = ['--store', state.store];

function run(code: string | Uint8Array, options: readonly string[] = [], args: readonly string[] = []) {
  const language = options.includes('--language') ? [] : ['--language', 'python'];
  return command(['run', '-', ...here, ...language, ...options, '--', ...args], { stdin: code });
}

describe('run', () => {
  it('runs the first example through the whole pipeline', async () => {
    const ran = await command(['run', 'examples/primes.py', ...here]);
    expect(ran.stdout.toString()).toBe('2 3 5 7 11 13 17 19 23 29 31 37 41 43 47\n');
    expect(ran.stderr.toString()).toBe('15 primes below 50\n');
    expect(ran.code).toBe(0);
  });

  it('keeps both streams apart and byte-exact', async () => {
    const code = `import sys
sys.stdout.buffer.write(bytes(range(256)) + b'\\r\\n\\xff\\xfe')
sys.stderr.buffer.write(b'\\xc3')
sys.stderr.flush()
sys.stderr.buffer.write(b'\\xa9 no final newline')`;
    const ran = await run(code);
    expect(ran.stdout).toEqual(
      Buffer.concat([Buffer.from([...Array(256).keys()]), Buffer.from('\r\n\xff\xfe', 'latin1')]),
    );
    expect(ran.stderr).toEqual(Buffer.from('é no final newline'));
  });

  it.each([0, 3, 137])("exits with the program's own code %i", async (code) => {
    expect((await run(`raise SystemExit(${code})`)).code).toBe(code);
  });

  it('passes arguments, environment and standard input', async () => {
    const file = join(state.path, 'input');
    writeFileSync(file, Buffer.from([0, 255, 10]));
    const code = `import os, sys
print(sys.argv[1:], os.environ['NAME'], sys.stdin.buffer.read())`;
    const ran = await run(code, ['--env', 'NAME=a=b', '--stdin', file], ['x y', '--json']);
    expect(ran.stdout.toString()).toBe("['x y', '--json'] a=b b'\\x00\\xff\\n'\n");
  });

  it('runs JavaScript', async () => {
    const ran = await run(
      'console.log(process.argv.slice(2)); console.error(6 * 7)',
      ['--language', 'javascript'],
      ['a'],
    );
    expect(ran.stdout.toString()).toContain('a');
    expect(ran.stderr.toString()).toBe('42\n');
  });

  it('ends an endless loop at its time limit with its partial output', async () => {
    const ran = await run('print("before", flush=True)\nwhile True: pass', ['--timeout', '1s']);
    expect(ran.code).toBe(124);
    expect(ran.stdout.toString()).toBe('before\n');
    expect(ran.stderr.toString()).toBe('');
  });

  it('tells the memory limit from a program that fits', async () => {
    const allocate = 'x = bytearray(int(__import__("sys").argv[1]) * 1024 * 1024)\nprint(len(x))';
    const [over, under] = [
      await run(allocate, ['--memory', '128Mi'], ['200']),
      await run(allocate, ['--memory', '128Mi'], ['16']),
    ];
    expect(over.code).toBe(122);
    expect(under).toMatchObject({ code: 0, stdout: Buffer.from(`${16 * 1024 * 1024}\n`) });
  });

  it('keeps the first MiB of 20 MB, and says so', async () => {
    const ran = await run('import sys\nfor i in range(20): sys.stdout.write(chr(97 + i) * 1_000_000)', ['--json']);
    const { text, ...counted } = JSON.parse(ran.stdout.toString()).result.stdout;
    expect(counted).toEqual({ bytes: 1_048_576, totalBytes: 20_000_000, truncated: true });
    expect(text).toBe('a'.repeat(1_000_000) + 'b'.repeat(48_576));
  });

  it('shows output that was cut within a character as text', async () => {
    const ran = await run('print("a" + "é" * 600_000)', ['--json']);
    expect(JSON.parse(ran.stdout.toString()).result.stdout.text).toBe(`a${'é'.repeat(524_287)}`);
  });

  it('shows the whole record with --json', async () => {
    const ran = await run('print("é")', ['--json', '--label', 'team=a', '--env', 'SECRET=hidden']);
    const shown = JSON.parse(ran.stdout.toString());
    expect(shown).toMatchObject({
      state: 'SUCCEEDED',
      done: true,
      isolation: 'wasm',
      labels: { team: 'a' },
      envNames: ['SECRET'],
      result: {
        ...{ exitCode: 0, fault: null, started: true, outputComplete: true },
        stdout: { text: 'é\n' },
        stderr: { text: '' },
      },
    });
    expect(ran.stdout.toString()).not.toContain('hidden');
  });

  it('is one execution for one idempotency key', async () => {
    const [first, second] = [
      await run('import random; print(random.random())', ['--idempotency-key', 'k1']),
      await run('import random; print(random.random())', ['--idempotency-key', 'k1']),
    ];
    expect(second.stdout).toEqual(first.stdout);
    const other = await run('print(2)', ['--idempotency-key', 'k1']);
    expect(other).toMatchObject({ code: 2 });
    expect(other.stderr.toString()).toMatch(/idempotency key belongs to execution \w+, whose request was different/);
  });

  it('cancels on a signal and keeps what was printed', async () => {
    const child = spawn(process.execPath, ['src/cli/main.ts', 'run', '-', '--language', 'python', ...here]);
    child.stdin.end('print("started", flush=True)\nwhile True: pass');
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    const exited = once(child, 'close');
    for (;;) {
      const running = await command(['list', '--state', 'RUNNING', '--json', ...here]);
      if (running.stdout.length > 0) break;
    }
    child.kill('SIGINT');
    expect((await exited)[0]).toBe(125);
    expect(stdout).toBe('started\n');
  });

  it('does not mind a reader that goes away', async () => {
    const shell = spawn('sh', [
      '-c',
      `"${process.execPath}" src/cli/main.ts run - --language python ${here.join(' ')} | head -c 1; exit 0`,
    ]);
    shell.stdin.end('print("x" * 500_000)');
    let stderr = '';
    shell.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    await once(shell, 'close');
    expect(stderr).toBe('');
  });
});

describe('the files of a program', () => {
  const code = `import os
os.mkdir("out")
open("out/both.txt", "w").write(open("deep/a.txt").read() + open("b").read())
open("out/bytes", "wb").write(bytes(range(256)))`;
  const directory = (name: string) => join(state.path, name);
  mkdirSync(directory('deep'));
  writeFileSync(directory('deep/a.txt'), 'a');
  symlinkSync('/etc/passwd', directory('deep/link'));
  const options = ['--file', directory('deep'), '--file', `${directory('deep/a.txt')}=b`, '--output', 'out/**'];

  it('go in from files and directories, and come out where the user wants them', async () => {
    const ran = await run(code, [...options, '--output-dir', directory('taken')]);
    expect(ran).toMatchObject({ code: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
    expect(readFileSync(directory('taken/out/both.txt'), 'utf8')).toBe('aa');
    expect([...readFileSync(directory('taken/out/bytes'))]).toEqual(Array.from({ length: 256 }, (_, index) => index));
  });

  it('can be listed and taken later, from the store and from a server', async () => {
    const ran = await run(code, [...options, '--json']);
    const { id, files } = JSON.parse(ran.stdout.toString());
    expect(files.map(({ path }: { path: string }) => path)).toEqual(['deep/a.txt', 'b']);
    expect((await command(['files', id, ...here])).stdout.toString()).toBe('2 out/both.txt\n256 out/bytes\n');
    const serving = await server(here);
    await command(['files', id, '--server', serving.url, '--output-dir', directory('later')]);
    await serving.end('SIGTERM');
    expect([...readFileSync(directory('later/out/bytes'))]).toHaveLength(256);
    expect(readFileSync(directory('later/out/both.txt'), 'utf8')).toBe('aa');
  });

  it('that cannot be read or written are said in one line', async () => {
    const missing = await run('', ['--file', directory('nowhere')]);
    expect(missing).toMatchObject({ code: 2 });
    expect(missing.stderr.toString()).toMatch(/^gke-code-executor: cannot read .*nowhere: ENOENT.*\n$/);
    const ran = await run(code, [...options, '--output-dir', directory('deep/a.txt')]);
    expect(ran.code).toBe(126);
    expect(ran.stderr.toString()).toContain('cannot write');
  });
});

describe('looking at the store without a server', () => {
  it('gets, lists and prints what ran', async () => {
    const { id } = JSON.parse(
      (await run('import sys\nprint("out")\nprint("err", file=sys.stderr)\nsys.exit(4)', ['--json'])).stdout.toString(),
    );
    expect(JSON.parse((await command(['get', id, ...here])).stdout.toString())).toMatchObject({
      id,
      state: 'FAILED',
      result: { exitCode: 4 },
    });
    expect((await command(['list', ...here])).stdout.toString()).toMatch(new RegExp(`^ID .*\n${id}  FAILED`));
    expect(await command(['logs', id, ...here])).toMatchObject({
      stdout: Buffer.from('out\n'),
      stderr: Buffer.from('err\n'),
    });
    expect((await command(['cancel', id, ...here])).stdout.toString()).toBe(`${id} FAILED\n`);
    expect(await command(['delete', id, ...here])).toMatchObject({ code: 0, stdout: Buffer.from(`${id} deleted\n`) });
    const gone = Buffer.from(`gke-code-executor: execution ${id} was deleted\n`);
    for (const look of ['get', 'logs', 'cancel', 'delete']) {
      expect(await command([look, id, ...here])).toMatchObject({ code: 2, stderr: gone });
    }
  });
});

describe('serve', () => {
  it('serves what run and the store commands see, and cancels what a client asks', async () => {
    const serving = await server(here);
    try {
      const remote = ['--server', serving.url];
      const ran = await command(['run', 'examples/primes.py', ...remote, '--', '10']);
      expect(ran).toMatchObject({
        code: 0,
        stdout: Buffer.from('2 3 5 7\n'),
        stderr: Buffer.from('4 primes below 10\n'),
      });
      const response = await fetch(`${serving.url}/v1/executions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ language: 'python', code: 'while True: pass' }),
      });
      const { id } = (await response.json()) as { id: string };
      expect(await command(['cancel', id, ...remote])).toMatchObject({ code: 0, stderr: Buffer.alloc(0) });
      const ended = await fetch(`${serving.url}/v1/executions/${id}`, { headers: { Prefer: 'wait=20' } });
      expect(await ended.json()).toMatchObject({ state: 'CANCELLED' });
      expect(await command(['delete', id, ...remote])).toMatchObject({
        code: 0,
        stdout: Buffer.from(`${id} deleted\n`),
      });
      expect((await command(['delete', 'a'.repeat(26), ...remote])).stderr.toString()).toContain('not found');
    } finally {
      await serving.end('SIGTERM');
    }
  });
});
