import { describe, expect, it } from 'vitest';
import { type FileEntry, leftOut, packFiles, unpackFiles } from '../../src/execution/files.ts';
import { languages, mebibyte, runSupervisor, type Settings } from './run-supervisor.ts';

const everything: Settings = { outputFiles: ['**'], maxOutputFileBytes: 3 * mebibyte };
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
const results = '{"text/plain": "x"}\n';
const shown = (files: Uint8Array) =>
  unpackFiles(files).map(({ path, bytes }) => [path, Buffer.from(bytes).toString('latin1')]);

/** The same thing done in both languages. */
const programs = {
  python: {
    nothing: '',
    list: 'import os\nprint(sorted(os.path.join(d, f)[2:] for d, _, fs in os.walk(".") for f in fs))',
    links: `import os
os.mkdir("d"); open("d/a", "w").write("a"); os.symlink("/etc", "etc"); os.symlink("d/a", "link"); os.symlink("..", "d/up")
os.link("d/a", "hard"); os.mkfifo("fifo")`,
    odd: `import os
open(b"\\xff", "w").close(); open("line\\nfeed", "w").close(); open("closed", "w").close()
os.mkdir("shut"); open("shut/a", "w").close(); os.chmod("shut", 0)`,
    many: 'import os\nos.mkdir("d")\nfor i in range(300): open(f"d/{i:03}", "w").write("x")',
    large: 'for n in "abcd": open(n, "wb").write(b"\\n" * (1 << 20))',
    loud: 'import sys\nsys.stdout.write("\\n" * (2 << 20)); open("a", "wb").write(b"\\n" * (2 << 20))',
    deep: `import os
open("a", "w").close()
for i in range(3000): os.mkdir("d"); os.chdir("d")
open("b", "w").close()`,
    loop: 'open("a", "w").write("partial")\nwhile True: pass',
  },
  javascript: {
    nothing: '',
    list: `const fs = require('fs');
      console.log(fs.readdirSync('.', { recursive: true, withFileTypes: true }).filter((e) => e.isFile())
        .map((e) => (e.parentPath + '/' + e.name).replace(process.cwd() + '/', '').replace('./', '')).sort());`,
    links: `const fs = require('fs');
      fs.mkdirSync('d'); fs.writeFileSync('d/a', 'a'); fs.symlinkSync('/etc', 'etc'); fs.symlinkSync('d/a', 'link');
      fs.symlinkSync('..', 'd/up'); fs.linkSync('d/a', 'hard'); require('child_process').execSync('mkfifo fifo');`,
    odd: `const fs = require('fs');
      fs.writeFileSync(Buffer.from([0xff]), ''); fs.writeFileSync('line\\nfeed', ''); fs.writeFileSync('closed', '');
      fs.mkdirSync('shut'); fs.writeFileSync('shut/a', ''); fs.chmodSync('shut', 0);`,
    many: `const fs = require('fs'); fs.mkdirSync('d');
      for (let i = 0; i < 300; i++) fs.writeFileSync('d/' + String(i).padStart(3, '0'), 'x');`,
    large: `for (const n of 'abcd') require('fs').writeFileSync(n, '\\n'.repeat(1 << 20));`,
    loud: `process.stdout.write('\\n'.repeat(2 << 20)); require('fs').writeFileSync('a', '\\n'.repeat(2 << 20));`,
    deep: `const fs = require('fs'); fs.writeFileSync('a', '');
      for (let i = 0; i < 3000; i++) { fs.mkdirSync('d'); process.chdir('d'); } fs.writeFileSync('b', '');`,
    loop: `require('fs').writeFileSync('a', 'partial'); for (;;);`,
  },
};

describe.each(languages)('the files of a %s program', (language) => {
  const { nothing, list, links, odd, many, large, loud, deep, loop } = programs[language];
  const files: readonly FileEntry[] = [
    { path: 'a b/ü.bin', bytes: everyByte },
    { path: 'a b/c/d', bytes: Buffer.from('\r\n\x10n\x01a') },
    { path: 'empty', bytes: Buffer.from('') },
    { path: 'work_files.py', bytes: Buffer.from('ours = False') },
  ];

  it('are there before it starts, and come back byte for byte', async () => {
    const run = await runSupervisor(language, list, { ...everything, files: packFiles(files) });
    expect(run.stdoutText.replaceAll("'", '').replace(/\s+/g, ' ')).toMatch(
      /\[ ?a b\/c\/d, a b\/ü.bin, empty, main.(py|js), work_files.py ?\]/,
    );
    expect(shown(run.files)).toEqual(
      files
        .toSorted((a, b) => (a.path < b.path ? -1 : 1))
        .map(({ path, bytes }) => [path, Buffer.from(bytes).toString('latin1')]),
    );
    expect(run).toMatchObject({ complete: true, exitCode: 0, advisory: { omittedFiles: 0 } });
  });

  it('that are results come back unasked', async () => {
    const written = packFiles([
      { path: '.results.jsonl', bytes: Buffer.from(results) },
      { path: 'other', bytes: everyByte },
    ]);
    const run = await runSupervisor(language, nothing, { maxOutputFileBytes: 100, files: written });
    expect([shown(run.files), run.complete]).toEqual([[['.results.jsonl', results]], true]);
  });

  it('stay where they are when nobody asks for them, or for others', async () => {
    const kept = await runSupervisor(language, nothing, { files: packFiles(files) });
    expect([kept.files.length, kept.complete]).toEqual([0, true]);
    const named = { outputFiles: ['*/?/*'], maxOutputFileBytes: 100 };
    const some = await runSupervisor(language, nothing, { ...named, files: packFiles(files) });
    expect(shown(some.files).map(([path]) => path)).toEqual(['a b/c/d']);
  });

  it('are regular files only: no link is followed, whatever it points to', async () => {
    const run = await runSupervisor(language, links, everything);
    expect(shown(run.files)).toEqual([
      ['d/a', 'a'],
      ['hard', 'a'],
    ]);
    expect(run).toMatchObject({ complete: true, advisory: { omittedFiles: 0 } });
  });

  it('with names that nobody can say, or in directories that are shut, harm no others, and the names are counted', async () => {
    const run = await runSupervisor(language, odd, everything);
    const paths = shown(run.files).map(([path]) => path);
    expect(paths).toContain('closed');
    expect([run.exitCode, leftOut(run.files) + (run.advisory?.omittedFiles ?? 0)]).toEqual([0, 2]);
  });

  it('are 256 at most, and how many more there were is said', async () => {
    const run = await runSupervisor(language, many, everything);
    expect([unpackFiles(run.files).length, run.advisory?.omittedFiles, run.complete]).toEqual([256, 44, true]);
  });

  it('are whole or not at all, up to the bytes that were asked for', async () => {
    const run = await runSupervisor(language, large, everything);
    const sizes = unpackFiles(run.files).map(({ path, bytes }) => [path, bytes.length]);
    expect(sizes).toEqual([
      ['a', mebibyte],
      ['b', mebibyte],
      ['c', mebibyte],
    ]);
    expect(run).toMatchObject({ complete: true, advisory: { omittedFiles: 1 } });
  });

  it('and what was printed share one log, which never grows past what a node keeps', async () => {
    const room = { maxStdoutBytes: 4 * mebibyte, maxOutputFileBytes: 6 * mebibyte };
    const run = await runSupervisor(language, `${loud}`, { ...everything, ...room });
    const asNodeKeepsIt = run.log.length + 64 * run.log.filter((byte) => byte === 10).length;
    expect(asNodeKeepsIt).toBeLessThan(9 * mebibyte);
    expect([run.stdout.bytes.length, run.complete]).toEqual([2 * mebibyte, true]);
  });

  it('are found in deep directories as far as a path reaches', async () => {
    const run = await runSupervisor(language, deep, everything);
    expect(shown(run.files).map(([path]) => path)).toEqual(['a']);
    expect(run.exitCode).toBe(0);
  });

  it('come back from a program that was ended at its time limit', async () => {
    const run = await runSupervisor(language, loop, { ...everything, timeoutSeconds: 1 });
    expect([shown(run.files), run.exitCode]).toEqual([[['a', 'partial']], 124]);
  });
});
