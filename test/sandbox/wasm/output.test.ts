import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cappedOutput } from '../../../src/sandbox/wasm/output.ts';
import type { WasmLanguage } from '../../../src/sandbox/wasm/program.ts';
import { run, runRaw } from './run.ts';

const golden = Uint8Array.of(0, 0xff, 0xfe, 0x0d, 0x0a, 0xc3, 0x28, 0x61, 0xe2, 0x82);
const literal = `[${golden.join(', ')}]`;
const languages = ['python', 'javascript'] as const;

const exact: Record<WasmLanguage, string> = {
  python: `import sys
sys.stdout.buffer.write(bytes(${literal}))
sys.stderr.buffer.write(bytes(${literal}[::-1]))`,
  javascript: `process.stdout.write(Uint8Array.from(${literal}))
process.stderr.write(Uint8Array.from(${literal}).reverse())`,
};

const flood: Record<WasmLanguage, string> = {
  python: `import sys
line = 'x' * 1_000_000
for _ in range(1000): sys.stdout.write(line)
sys.stderr.write('end')`,
  javascript: `const line = 'x'.repeat(1_000_000);
for (let i = 0; i < 100; i++) process.stdout.write(line);
process.stderr.write('end')`,
};

const floodBytes: Record<WasmLanguage, number> = { python: 1_000_000_000, javascript: 100_000_000 };

describe.concurrent.each(languages)('what a %s program prints', (language) => {
  test('comes back byte for byte, each stream by itself', async () => {
    const { stdout, stderr } = await runRaw(language, exact[language]);
    expect(Buffer.from(stdout.bytes)).toEqual(Buffer.from(golden));
    expect(Buffer.from(stderr.bytes)).toEqual(Buffer.from(golden).reverse());
  });

  test('is cut at the limit and counted to the end, a flood of it too', async () => {
    const { ending, stdout, stderr } = await runRaw(language, flood[language], { maxStdoutBytes: 100_001 });
    expect(ending).toBe('exited');
    expect([stdout.bytes.length, stdout.totalBytes]).toEqual([100_001, floodBytes[language]]);
    expect(stdout.bytes.every((byte) => byte === 0x78)).toBe(true);
    expect([Buffer.from(stderr.bytes).toString(), stderr.totalBytes]).toEqual(['end', 3]);
  });
});

test('a Python program whose stdout is closed hears of it', async () => {
  const shown = await run('python', `import os, sys\nos.close(1)\nprint('lost')`);
  expect(shown).toMatchObject({ ending: 'exited', stdout: '' });
  expect(shown.stderr).toContain('Bad file descriptor');
});

test('nothing but the program writes to its streams', async () => {
  const quiet = await Promise.all(languages.map((language) => run(language, '')));
  for (const shown of quiet) expect(shown).toEqual({ ending: 'exited', exitCode: 0, stdout: '', stderr: '' });
});

test('the child itself sends no more than the limit, and counts on', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'output-')), 'sent');
  const descriptor = openSync(file, 'w');
  let counted = 0n;
  const output = cappedOutput(descriptor, (bytes) => {
    counted += bytes;
  });
  output.limit(5);
  for (const text of ['abc', 'def', '', 'ghi']) output.write(Buffer.from(text));
  closeSync(descriptor);
  expect([readFileSync(file, 'utf8'), counted, output.tail()]).toEqual(['abcde', 9n, 'abcdefghi']);
});
