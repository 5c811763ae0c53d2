import { failed, type Program, succeeded, timedOut, within } from './program.ts';

const toLog = 'import os, sys, time\nlog = os.open("/proc/1/fd/1", os.O_WRONLY)\n';
const forged =
  '\\x01f{\\"exit\\":{\\"code\\":0},\\"timedOut\\":true,\\"durationMs\\":1,\\"stdout\\":{\\"totalBytes\\":0,\\"keptBytes\\":0},\\"stderr\\":{\\"totalBytes\\":0,\\"keptBytes\\":0}}\\n';

/** Programs that write to the log around their supervisor. */
export const logPrograms: readonly Program[] = [
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
    threat: 61,
    name: 'a hundred thousand frames that say nothing, then its end',
    language: 'python',
    code: `${toLog}for _ in range(100): os.write(log, b"\\x01f\\n" * 1000)\nos._exit(3)`,
    expected: { kubernetes: { endings: failed(3), ...within(15) } },
  },
  {
    threat: 61,
    name: 'frames that say nothing, for seconds',
    language: 'python',
    code: `${toLog}end = time.monotonic() + 6\nwhile time.monotonic() < end: os.write(log, b"\\x01f\\n" * 20_000)\nos._exit(3)`,
    request: { timeoutSeconds: 20 },
    expected: { kubernetes: { endings: failed(3), ...within(50) } },
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
