import { describe, expect, it } from 'vitest';
import { hasPrinted, languages, mebibyte, runSupervisor } from './run-supervisor.ts';

function printing(language: (typeof languages)[number], bytes: Buffer, fd = 1): string {
  const hex = bytes.toString('hex');
  return language === 'python'
    ? `import os\nos.write(${fd}, bytes.fromhex('${hex}'))\n`
    : `require('node:fs').writeSync(${fd}, Buffer.from('${hex}', 'hex'));\n`;
}

const goldenOutputs: Readonly<Record<string, Buffer>> = {
  'a JSON document': Buffer.from('{"a": [1, true, null]}\n'),
  'the word true': Buffer.from('true\n'),
  quotes: Buffer.from(`"'\`\\"\\n$(id)\n`),
  'DOS line ends and lone carriage returns': Buffer.from('a\r\nb\rc\r\r\n\r'),
  'NUL and all other bytes': Buffer.from([...Array(256).keys(), 0, 0, 10]),
  'invalid UTF-8': Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
  'our own escapes and frame marks': Buffer.from('\x10n\x10\x10\x01o\n\x01f{"exit":{"code":0}}\n\x10'),
  'no final line feed': Buffer.from('42'),
  'only line feeds': Buffer.from('\n\n\n'),
  'one line longer than a line of the log': Buffer.alloc(50_000, 'é'),
  nothing: Buffer.alloc(0),
};

describe.each(languages)('the output of a %s program', (language) => {
  it.each(Object.entries(goldenOutputs))('arrives byte for byte: %s', async (_, bytes) => {
    const run = await runSupervisor(language, printing(language, bytes));
    expect(Buffer.from(run.stdout.bytes).equals(bytes)).toBe(true);
    expect(run).toMatchObject({ exitCode: 0, complete: true, stderrText: '' });
    expect(run.stdout).toMatchObject({ totalBytes: bytes.length, truncated: false });
  });

  it('keeps a character that is printed in two halves', async () => {
    const halves = {
      python: 'import os, time\nos.write(1, b"\\xc3")\ntime.sleep(0.2)\nos.write(1, b"\\xa9")',
      javascript: 'process.stdout.write(Buffer.of(0xc3)); setTimeout(() => process.stdout.write(Buffer.of(0xa9)), 200)',
    };
    expect((await runSupervisor(language, halves[language])).stdoutText).toBe('é');
  });

  it('keeps the first bytes of 20 MB, counts the rest and lets the program finish', async () => {
    const flood = {
      python: `import sys\nsys.stdout.write("".join("%09d\\n" % i for i in range(2_000_000)))\nprint("done", file=sys.stderr)`,
      javascript: `let all = ''; for (let i = 0; i < 2e6; i++) all += String(i).padStart(9, '0') + '\\n';
        require('node:fs').writeFileSync(1, all); console.error('done');`,
    };
    const run = await runSupervisor(language, flood[language]);
    const lines = Array.from({ length: mebibyte / 10 + 1 }, (_, i) => `${String(i).padStart(9, '0')}\n`).join('');
    expect(run.stdoutText).toBe(lines.slice(0, mebibyte));
    expect(run.stdout).toMatchObject({ totalBytes: 20_000_000, truncated: true });
    expect(run).toMatchObject({ exitCode: 0, complete: true, stderrText: 'done\n' });
  });

  it('keeps both streams apart', async () => {
    const mixed = {
      python: 'import os\nfor i in range(2000): os.write(1 + i % 2, b"%d\\n" % i)',
      javascript: `for (let i = 0; i < 2000; i++) require('node:fs').writeSync(1 + (i % 2), i + '\\n')`,
    };
    const run = await runSupervisor(language, mixed[language]);
    const numbers = (parity: number) => Array.from({ length: 1000 }, (_, i) => `${2 * i + parity}\n`).join('');
    expect(run).toMatchObject({ stdoutText: numbers(0), stderrText: numbers(1) });
  });

  it.each([0, 7999, 8001])('cuts a stream after exactly %d bytes', async (maxStdoutBytes) => {
    const run = await runSupervisor(language, printing(language, Buffer.alloc(8001, '\n')), { maxStdoutBytes });
    expect(run.stdoutText).toBe('\n'.repeat(maxStdoutBytes));
    expect(run.stdout).toMatchObject({ totalBytes: 8001, truncated: maxStdoutBytes < 8001 });
    expect(run.complete).toBe(true);
  });

  it('stays within 9 MiB of log under the largest caps and still shows the other stream', async () => {
    const caps = { maxStdoutBytes: 64 * mebibyte, maxStderrBytes: mebibyte };
    const flood = {
      python: 'import os\nfor i in range(160): os.write(1, b"\\n" * 65536)\nos.write(2, b"sorry" * 20000)',
      javascript: `const { writeFileSync } = require('node:fs');
        writeFileSync(1, Buffer.alloc(160 * 65536, 10)); writeFileSync(2, 'sorry'.repeat(20000));`,
    };
    const run = await runSupervisor(language, flood[language], caps);
    const logLines = run.log.toString('latin1').split('\n').length;
    const onTheNode = run.log.length + 64 * logLines;
    expect(onTheNode).toBeLessThan(9 * mebibyte);
    expect(onTheNode).toBeGreaterThan(8.5 * mebibyte);
    expect(run).toMatchObject({ exitCode: 0, complete: true, stderrText: 'sorry'.repeat(20_000) });
    expect(run.stdout).toMatchObject({ totalBytes: 160 * 65536, truncated: true });
  });

  it('writes no line that containerd would split', async () => {
    const run = await runSupervisor(language, printing(language, Buffer.alloc(60_000, '\r\n\x10')));
    const longest = Math.max(
      ...run.log
        .toString('latin1')
        .split('\n')
        .map((line) => line.length),
    );
    expect(longest).toBeLessThan(16_384);
  });

  it('shows what is printed within 50 ms while the program goes on', async () => {
    const slow = {
      python: 'import time\nprint("early")\ntime.sleep(1)',
      javascript: 'console.log("early"); setTimeout(() => {}, 1000)',
    };
    const seen: { atMs?: number; exitMs?: number } = {};
    await runSupervisor(language, slow[language], {
      onStart: (supervisor) => {
        hasPrinted(supervisor).then(() => (seen.atMs = performance.now()));
        supervisor.once('exit', () => (seen.exitMs = performance.now()));
      },
    });
    expect((seen.exitMs ?? 0) - (seen.atMs ?? 0)).toBeGreaterThan(800);
  });
});
