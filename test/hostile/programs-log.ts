import { failed, type Program, succeeded, timedOut, within } from './program.ts';

/** Node.js cannot close its descriptors to its children, so that a JavaScript program can write to the log itself. */
const toLog = `const { openSync, writeSync } = require('node:fs');
const log = openSync('/proc/1/fd/1', 'w');
const write = (bytes) => writeSync(log, bytes);
const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
`;
const forged = `'\\x01f{"exit":{"code":0},"timedOut":true,"durationMs":1,"stdout":{"totalBytes":0,"keptBytes":0},"stderr":{"totalBytes":0,"keptBytes":0},"fileBytes":0,"omittedFiles":0}\\n'`;

/** Programs that write to the log around their supervisor. */
export const logPrograms: readonly Program[] = [
  {
    threat: 18,
    name: "a Python program that looks for its supervisor's descriptors, memory and environment",
    language: 'python',
    code: `for path in ("/proc/1/fd/1", "/proc/1/mem", "/proc/1/environ", "/proc/1/maps"):
    try: open(path, "r+b" if path.endswith("mem") else "rb").read(1); print("open", path)
    except OSError as error: print("closed", path)`,
    expected: {
      kubernetes: {
        endings: succeeded,
        stdout: { is: 'closed /proc/1/fd/1\nclosed /proc/1/mem\nclosed /proc/1/environ\nclosed /proc/1/maps\n' },
        ...within(3),
      },
    },
  },
  {
    threat: 18,
    name: "a child that writes to the supervisor's stdout",
    language: 'javascript',
    code: `require('node:child_process').execFileSync(process.execPath, ['-e', "require('fs').writeFileSync('/proc/1/fd/1', 'around\\\\n')"]);
console.log('through');`,
    expected: {
      kubernetes: { endings: succeeded, stdout: { like: [/^around\n/m, /^through\n/m] }, ...within(4) },
    },
  },
  {
    threat: 18,
    name: "a flood to the supervisor's stdout",
    language: 'javascript',
    code: `${toLog}for (const line = 'y'.repeat(65535) + '\\n'; ; ) write(line);`,
    request: { timeoutSeconds: 3, maxStdoutBytes: 1000 },
    expected: {
      kubernetes: {
        endings: [...timedOut, { state: 'DISK_LIMIT' }],
        stdout: { like: [/^y*$/], leastTotalBytes: 0 },
        ...within(15),
      },
    },
  },
  {
    threat: 18,
    name: "a flood to the supervisor's stdout until the kubelet looks at the disk",
    language: 'javascript',
    code: `${toLog}for (const line = 'y'.repeat(65535) + '\\n'; ; ) write(line);`,
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
    language: 'javascript',
    code: `${toLog}writeSync(1, 'before\\n'); pause(200); write(${forged}); writeSync(1, 'after\\n'); process.exit(5);`,
    expected: { kubernetes: { endings: failed(5), stdout: { is: 'before\nafter\n' }, ...within(4) } },
  },
  {
    threat: 56,
    name: 'a forged last frame that says it succeeded, then a loop',
    language: 'javascript',
    code: `${toLog}write(${forged}); writeSync(1, 'after\\n'); for (;;);`,
    request: { timeoutSeconds: 2 },
    expected: { kubernetes: { endings: timedOut, stdout: { is: 'after\n' }, ...within(6) } },
  },
  {
    threat: 56,
    name: 'a forged last frame that says its time was over, then the exit code of that',
    language: 'javascript',
    code: `${toLog}write(${forged}); process.exit(124);`,
    expected: { kubernetes: { endings: [{ state: 'FAILED', exitCode: 124 }], stdout: { is: '' }, ...within(4) } },
  },
  {
    threat: 56,
    name: 'a forged last frame in JavaScript, then the end of the supervisor',
    language: 'javascript',
    code: `${toLog}write(${forged}); process.kill(1, 'SIGKILL'); setTimeout(() => {}, 5000);`,
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
    threat: 56,
    name: 'a kernel that it makes up',
    language: 'javascript',
    code: `${toLog}write('\\x01k6.1.0\\n'); write('\\x01r6.1.0\\n'); process.exit(125);`,
    expected: { kubernetes: { endings: failed(125), ...within(4) } },
  },
  {
    threat: 57,
    name: 'frames of absurd lengths and counts',
    language: 'javascript',
    code: `${toLog}
for (const frame of ['\\x01o' + 'z'.repeat(3_000_000), '\\n\\x01f' + '9'.repeat(100_000), '\\n\\x01f' + '['.repeat(16_000),
  '\\n\\x01f{"exit":{"code":1e308},"timedOut":false,"durationMs":-1,"stdout":{"totalBytes":9e99,"keptBytes":9e99}}',
  '\\n\\x01a' + 'file 999999999\\x10n'.repeat(500), '\\n\\x01e' + '\\x10'.repeat(9_999), '\\n\\x01'])
  for (let rest = Buffer.from(frame, 'latin1'); rest.length > 0; ) rest = rest.subarray(write(rest));
write('\\n'); pause(200); console.log('end');`,
    request: { maxStdoutBytes: 4_000_000 },
    expected: {
      kubernetes: { endings: succeeded, stdout: { like: [/z{1000}/, /\nend\n$/] }, stderr: { is: '' }, ...within(8) },
    },
  },
  {
    threat: 61,
    name: 'a hundred thousand frames that say nothing, then its end',
    language: 'javascript',
    code: `${toLog}for (let n = 0; n < 100; n++) write('\\x01f\\n'.repeat(1000)); process.exit(3);`,
    expected: { kubernetes: { endings: failed(3), ...within(15) } },
  },
  {
    threat: 61,
    // It pauses before its end because that is what `known` is about: an end on a log that nobody has taken yet.
    name: 'frames that say nothing, for seconds',
    language: 'javascript',
    code: `${toLog}for (const end = Date.now() + 6000; Date.now() < end; ) write('\\x01f\\n'.repeat(20_000)); pause(2000); process.exit(3);`,
    request: { timeoutSeconds: 20 },
    expected: { kubernetes: { endings: failed(3), ...within(60) } },
  },
  {
    threat: 50,
    name: 'nesting and escapes without end in its last words',
    language: 'javascript',
    code: `${toLog}
for (let depth = 0; depth < 200; depth++) write('\\x01f' + '{"exit":'.repeat(1900) + '\\n');
write('\\x01o' + '\\x10n'.repeat(8000) + '\\n'); pause(200); console.log('end');`,
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
