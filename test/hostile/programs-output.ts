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

const toLog = 'import os, sys, time\nlog = os.open("/proc/1/fd/1", os.O_WRONLY)\n';
const forged =
  '\\x01f{\\"exit\\":{\\"code\\":0},\\"timedOut\\":true,\\"durationMs\\":1,\\"stdout\\":{\\"totalBytes\\":0,\\"keptBytes\\":0},\\"stderr\\":{\\"totalBytes\\":0,\\"keptBytes\\":0}}\\n';

/** Programs that write to the log around their supervisor. */
export const forgedOutputPrograms: readonly Program[] = [
  {
    threat: 18,
    name: "a child that writes to the supervisor's stdout",
    language: 'python',
    code: `${toLog}if os.fork() == 0:\n    os.write(log, b"around\\n")\n    os._exit(0)\nos.wait()\nprint("through")`,
    expected: {
      kubernetes: { endings: succeeded, stdout: { like: [/^around\n/m, /^through\n/m] }, ...within(3) },
    },
  },
  {
    threat: 18,
    name: "a flood to the supervisor's stdout",
    language: 'python',
    code: `${toLog}while True: os.write(log, b"y" * 65535 + b"\\n")`,
    request: { timeoutSeconds: 3, maxStdoutBytes: 1000 },
    expected: {
      kubernetes: {
        endings: [...timedOut, { state: 'DISK_LIMIT' }],
        stdout: { is: 'y'.repeat(1000), leastTotalBytes: 1_000_000 },
        ...within(15),
      },
    },
  },
  {
    threat: 18,
    name: "a flood to the supervisor's stdout until the kubelet looks at the disk",
    language: 'python',
    code: `${toLog}while True: os.write(log, b"y" * 65535 + b"\\n")`,
    request: { timeoutSeconds: 40, maxStdoutBytes: 1000, cpuLimitMillicores: 300 },
    expected: {
      kubernetes: {
        endings: [{ state: 'DISK_LIMIT' }],
        stdout: { unlike: [/[^y\n]/] },
        outputComplete: false,
        ...within(35),
      },
    },
  },
  {
    threat: 56,
    name: 'a forged last frame, and output after it',
    language: 'python',
    code: `${toLog}print("before")\ntime.sleep(0.2)\nos.write(log, b"${forged}")\nprint("after")\nsys.exit(5)`,
    expected: { kubernetes: { endings: failed(5), stdout: { is: 'before\nafter\n' }, ...within(3) } },
  },
  {
    threat: 56,
    name: 'a forged last frame that says it succeeded, then a loop',
    language: 'python',
    code: `${toLog}os.write(log, b"${forged}")\nprint("after", flush=True)\nwhile True: pass`,
    request: { timeoutSeconds: 2 },
    expected: { kubernetes: { endings: timedOut, stdout: { is: 'after\n' }, ...within(5) } },
  },
  {
    threat: 56,
    name: 'a forged last frame that says its time was over, then the exit code of that',
    language: 'python',
    code: `${toLog}os.write(log, b"${forged}")\nsys.exit(124)`,
    expected: { kubernetes: { endings: [{ state: 'FAILED', exitCode: 124 }], stdout: { is: '' }, ...within(3) } },
  },
  {
    threat: 56,
    name: 'a forged last frame in JavaScript, then the end of the supervisor',
    language: 'javascript',
    code: `const { openSync, writeSync } = require('node:fs');
writeSync(openSync('/proc/1/fd/1', 'w'), "${forged}");
process.kill(1, 'SIGKILL');
setTimeout(() => {}, 5000);`,
    expected: {
      kubernetes: {
        endings: [
          { state: 'FAILED', exitCode: 137 },
          { state: 'KILLED', exitCode: 137 },
        ],
        stdout: { is: '' },
        ...within(5),
      },
    },
  },
  {
    threat: 57,
    name: 'frames of absurd lengths and counts',
    language: 'python',
    code: `${toLog}
for frame in (
    b"\\x01o" + b"z" * 3_000_000,
    b"\\n\\x01f" + b"9" * 100_000,
    b"\\n\\x01f" + b"[" * 16_000,
    b"\\n\\x01f" + b'{"exit":{"code":1e308},"timedOut":false,"durationMs":-1,"stdout":{"totalBytes":9e99,"keptBytes":9e99}}',
    b"\\n\\x01e" + b"\\x10" * 9_999,
    b"\\n\\x01",
    b"\\n\\x01\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff",
): os.write(log, frame)
os.write(log, b"\\n")
time.sleep(0.2)
print("end")`,
    request: { maxStdoutBytes: 4_000_000 },
    expected: {
      kubernetes: { endings: succeeded, stdout: { like: [/z{1000}/, /\nend\n$/] }, stderr: { is: '' }, ...within(8) },
    },
  },
  {
    threat: 50,
    name: 'nesting and escapes without end in its last words',
    language: 'python',
    code: `${toLog}
for depth in range(200): os.write(log, b"\\x01f" + b'{"exit":' * 1900 + b"\\n")
os.write(log, b"\\x01o" + b"\\x10n" * 8000 + b"\\n")
time.sleep(0.2)
print("end")`,
    request: { maxStdoutBytes: 100 },
    expected: { kubernetes: { endings: succeeded, stdout: { keptBytes: 100 }, ...within(8) } },
  },
  {
    threat: 19,
    name: 'a termination message',
    language: 'python',
    code: 'open("/dev/termination-log", "w").write("canary")\nprint("written")\nraise SystemExit(5)',
    expected: { kubernetes: { endings: failed(5), stdout: { is: 'written\n' }, ...within(3) } },
  },
];
