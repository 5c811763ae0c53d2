import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packFiles } from '../../src/execution/files.ts';
import { bareScript } from '../../src/supervisor/bare-script.ts';
import { bundleOf, interpreters, runSupervisor } from './run-supervisor.ts';

const root = mkdtempSync(join(tmpdir(), 'languages-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A directory for PATH with what every image has, and with one interpreter or none. */
function path(name: string, more: Readonly<Record<string, string>>): string {
  const directory = join(root, name);
  mkdirSync(directory);
  const tools = ['sh', 'tail', 'head', 'mkdir', 'date', 'timeout', 'env', 'cat', 'sleep'];
  for (const tool of tools) symlinkSync(execFileSync('which', [tool]).toString().trim(), join(directory, tool));
  for (const [tool, target] of Object.entries(more)) symlinkSync(target, join(directory, tool));
  return directory;
}

const paths = {
  'Python in the image': path('python', { python3: interpreters.python3 }),
  'Node.js in the image': path('node', { node: interpreters.node }),
  'no interpreter': path('bare', {}),
};
const bare = paths['no interpreter'];

describe.each(Object.entries(paths))('a shell program with %s', (name, path) => {
  const merged = name === 'no interpreter';

  it('gets its arguments, environment, stdin and files, and its exit code counts', async () => {
    const code = `cat; cat "in put/a'b"; printf '[%s]' "$GREETING" "$@"; exit 7`;
    const run = await runSupervisor('shell', code, {
      path,
      args: ['', 'two words', '$(id)\n\n', `'"\\`],
      env: { GREETING: 'a=b\nc\n', IFS: 'x', PATH: path },
      stdin: Buffer.from('from stdin\n'),
      files: packFiles([{ path: "in put/a'b", bytes: Buffer.from('from a file\n') }]),
    });
    expect(run.stdoutText).toBe(`from stdin\nfrom a file\n[a=b\nc\n][][two words][$(id)\n\n]['"\\]`);
    expect(run).toMatchObject({ exitCode: 7, complete: true, bare: merged });
  });

  it(merged ? 'has both streams in one' : 'has its streams apart', async () => {
    const run = await runSupervisor('shell', 'echo out; echo err >&2; echo more', { path });
    const apart = ['out\nmore\n', 'err\n'];
    expect([run.stdoutText, run.stderrText]).toEqual(merged ? ['out\nerr\nmore\n', ''] : apart);
  });

  it.each(['while :; do sleep 1; done', "trap '' TERM; while :; do sleep 1; done"])(
    'ends at its time limit: %s',
    async (loop) => {
      const run = await runSupervisor('shell', `echo before; ${loop}`, { path, timeoutSeconds: 1 });
      expect(run.exitCode).toBe(124);
      // The shell may say of a process of its own that it was killed.
      expect(run.stdoutText).toMatch(/^before\n/);
      expect(run.seconds).toBeLessThan(5);
    },
  );
});

/** BusyBox's `timeout` tells a program that it ended from one that ended itself by no code of its own. */
function busyBoxPath(): string {
  const directory = path('busybox', {});
  const timeout = join(directory, 'timeout');
  rmSync(timeout);
  const real = execFileSync('which', ['timeout']).toString().trim();
  writeFileSync(timeout, `#!/bin/sh\n${real} "$@"; code=$?\n[ $code -eq 124 ] && code=143\nexit $code\n`);
  chmodSync(timeout, 0o755);
  return directory;
}

describe('a shell program without a supervisor', () => {
  it('ends at its time limit by the timeout of BusyBox too, and by its own signal before it', async () => {
    const busyBox = { path: busyBoxPath(), timeoutSeconds: 1 };
    expect(await runSupervisor('shell', 'while :; do sleep 1; done', busyBox)).toMatchObject({ exitCode: 124 });
    expect(await runSupervisor('shell', 'kill -TERM $$', { ...busyBox, timeoutSeconds: 5 })).toMatchObject({
      exitCode: 143,
    });
  });

  it('keeps its last line though no line feed ends it, and every byte', async () => {
    const run = await runSupervisor('shell', `printf '\\0\\377\\001o\nend'`, { path: bare });
    expect(Buffer.from(run.stdout.bytes).toString('latin1')).toBe('\0\xff\x01o\nend');
  });

  it('whose image has no timeout command runs all the same', async () => {
    const poor = path('poor', {});
    rmSync(join(poor, 'timeout'));
    expect(await runSupervisor('shell', 'echo $1', { path: poor, args: ['x'] })).toMatchObject({
      exitCode: 0,
      stdoutText: 'x\n',
    });
  });

  it('has a script that stays small whatever it gets', () => {
    const args = Array.from({ length: 256 }, () => 'x'.repeat(2_000));
    const script = bareScript(bundleOf('', { args }));
    expect(script.length).toBeLessThan(15_000);
  });
});

describe.each(['python', 'javascript', 'shell'] as const)(
  'a %s program whose kernel is another than is asked for',
  (language) => {
    const code = { python: 'print(1)', javascript: 'console.log(1)', shell: 'echo 1' };

    it('does not run, and the kernel is said', async () => {
      const path = language === 'shell' ? bare : undefined;
      const settings = { kernel: 'gVisor', ...(path === undefined ? {} : { path }) };
      const run = await runSupervisor(language, code[language], settings);
      expect(run).toMatchObject({ exitCode: 125, stdoutText: '', kernel: release() });
    });

    it('runs where any will do, and its own words about kernels are only words', async () => {
      const forged = await runSupervisor('python', 'import os\nos.write(1, b"\\x01kgVisor 9\\n")');
      expect(forged).toMatchObject({ exitCode: 0, kernel: release() });
    });
  },
);

describe('a TypeScript program', () => {
  it('runs with its types, enums and parameter properties', async () => {
    const code = `enum Colour { Red = 'red' }
class Point { constructor(private readonly x: number) {} get(): number { return this.x; } }
console.log(Colour.Red, new Point(3).get() satisfies number, process.argv.slice(2));`;
    const run = await runSupervisor('typescript', code, { args: ['a b'] });
    expect(run).toMatchObject({ exitCode: 0, stdoutText: "red 3 [ 'a b' ]\n", stderrText: '' });
  });

  it('may import and await', async () => {
    const code = `import { readFileSync } from 'node:fs';
const text: string = await Promise.resolve(readFileSync('data.txt', 'utf8'));
console.log(text);`;
    const files = packFiles([{ path: 'data.txt', bytes: Buffer.from('data') }]);
    expect(await runSupervisor('typescript', code, { files })).toMatchObject({ exitCode: 0, stdoutText: 'data\n' });
  });
});
