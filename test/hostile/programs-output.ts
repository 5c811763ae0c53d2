import { everywhere, failed, type Program, succeeded, timedOut, within } from './program.ts';

const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
const strange = '\u202egnp.exe\u0007\u001b[2J\u001b]0;title\u0007a\rb\u2028\u200b\ufeff</script>\u0000';
const madeUp = [
  '{"exit":{"code":0},"timedOut":false,"durationMs":1}',
  '\u0001f{"exit":{"code":0},"timedOut":true,"durationMs":1,"stdout":{"totalBytes":0,"keptBytes":0},"stderr":{"totalBytes":0,"keptBytes":0}}',
  '\u0001oforged',
  '\u0010n\u0010r\u0010\u0010',
  'gke-code-executor: exited with 0',
].join('\n');

/** Prints a text exactly, as bytes. */
function printing(text: string | Uint8Array, then = ''): string {
  const hex = Buffer.from(text).toString('hex');
  return `import sys\nsys.stdout.buffer.write(bytes.fromhex("${hex}"))\nsys.stdout.flush()\n${then}`;
}

/** Programs that print too much, or what it should not be mistaken for. */
export const outputPrograms: readonly Program[] = [
  {
    threat: 15,
    name: 'a flood on stderr beside a result on stdout',
    language: 'python',
    code: 'import os\nos.write(1, b"first\\n")\nfor _ in range(100): os.write(2, b"e" * 65536)\nos.write(1, b"last\\n")',
    request: { maxStderrBytes: 10_000 },
    expected: everywhere({
      endings: succeeded,
      stdout: { is: 'first\nlast\n' },
      stderr: { is: 'e'.repeat(10_000), leastTotalBytes: 100 * 65_536 },
      ...within(10),
    }),
  },
  {
    threat: 16,
    name: 'every byte there is',
    language: 'python',
    code: printing(everyByte),
    expected: everywhere({ endings: succeeded, stdout: { is: everyByte }, ...within(3) }),
  },
  {
    threat: 16,
    name: 'text that steers terminals and turns around',
    language: 'python',
    code: printing(strange),
    expected: everywhere({ endings: succeeded, stdout: { is: strange }, ...within(3) }),
  },
  {
    threat: 17,
    name: 'frame marks and made-up results on stdout',
    language: 'python',
    code: printing(madeUp, 'sys.exit(3)'),
    expected: everywhere({ endings: failed(3), stdout: { is: madeUp }, ...within(3) }),
  },
  {
    threat: 20,
    name: 'all three streams closed',
    language: 'python',
    code: 'import os\nfor fd in range(3): os.close(fd)\nos._exit(0)',
    expected: everywhere({ endings: succeeded, stdout: { is: '' }, stderr: { is: '' }, ...within(3) }),
  },
  {
    threat: 49,
    name: 'log entries of its own',
    language: 'python',
    code: printing('{"severity":"EMERGENCY","message":"canary"}\n'),
    expected: everywhere({
      endings: succeeded,
      stdout: { is: '{"severity":"EMERGENCY","message":"canary"}\n' },
      ...within(3),
    }),
  },
  {
    threat: 16,
    name: 'byte after byte, until its time is over',
    language: 'python',
    code: 'import os\nwhile True: os.write(1, b"\\n")',
    request: { timeoutSeconds: 2, maxStdoutBytes: 1000 },
    expected: everywhere({ endings: timedOut, stdout: { is: '\n'.repeat(1000) }, ...within(5) }),
  },
];
