import { everywhere, type Program, timedOut, within } from './program.ts';

const begun = { stdout: { is: 'begun\n' } };
const soon = { endings: timedOut, ...begun, outputComplete: true, ...within(5) };

/** Programs that do not end. */
export const timePrograms: readonly Program[] = [
  {
    threat: 1,
    name: 'an endless loop',
    language: 'python',
    code: 'print("begun", flush=True)\nwhile True: pass',
    request: { timeoutSeconds: 2 },
    expected: everywhere(soon),
  },
  {
    threat: 1,
    name: 'an endless loop in JavaScript',
    language: 'javascript',
    code: 'require("node:fs").writeSync(1, "begun\\n"); for (;;);',
    request: { timeoutSeconds: 3 },
    expected: everywhere(soon),
  },
  {
    threat: 2,
    name: 'an endless sleep that ignores every signal it may',
    language: 'python',
    code: `
import signal, time
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
print("begun", flush=True)
while True: time.sleep(1000)`,
    request: { timeoutSeconds: 2 },
    expected: { kubernetes: soon },
  },
  {
    threat: 2,
    name: 'an endless sleep',
    language: 'python',
    code: 'import time\nprint("begun", flush=True)\nwhile True: time.sleep(1000)',
    request: { timeoutSeconds: 2 },
    expected: { wasm: soon },
  },
  {
    threat: 2,
    name: 'a family that restarts its dead and ignores signals',
    language: 'python',
    code: `
import os, signal, time
for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)
print("begun", flush=True)
if os.fork() == 0: os.setsid()
while True:
    child = os.fork()
    if child == 0:
        time.sleep(0.2)
        os._exit(0)
    os.waitpid(child, 0)`,
    request: { timeoutSeconds: 2 },
    expected: { kubernetes: soon },
  },
  {
    threat: 44,
    name: 'eight processes that burn processors',
    language: 'python',
    code: `
import hashlib, os
print("begun", flush=True)
for _ in range(3): os.fork()
block = bytes(1 << 16)
while True: block = hashlib.sha256(block).digest() * 2048`,
    request: { timeoutSeconds: 3, cpuLimitMillicores: 500 },
    expected: { kubernetes: soon },
  },
  {
    threat: 45,
    name: 'clocks set back and forth, then a loop',
    language: 'python',
    code: `
import time
for clock, seconds in ((0, 0), (0, 4e9), (1, 4e9), (7, 4e9)):
    try: time.clock_settime(clock, seconds)
    except OSError as error: print(error.errno)
time.time = time.monotonic = lambda: 0
print("begun", flush=True)
while True: pass`,
    request: { timeoutSeconds: 2 },
    expected: {
      kubernetes: { endings: timedOut, stdout: { like: [/^((1|22|38)\n){4}begun\n$/] }, ...within(5) },
    },
  },
  {
    threat: 36,
    name: 'a namespace of processes of its own, then a loop',
    language: 'python',
    code: `
import ctypes, os, time
libc = ctypes.CDLL(None)
if libc.unshare(0x10000000) == 0: libc.unshare(0x20000000)
print("begun", flush=True)
if os.fork() == 0: os.setsid()
while True: time.sleep(0.1)`,
    request: { timeoutSeconds: 2 },
    expected: { kubernetes: soon },
  },
  {
    threat: 50,
    name: 'a regular expression without end',
    language: 'python',
    code: 'import re\nprint("begun", flush=True)\nre.match("(a+)+$", "a" * 60 + "b")',
    request: { timeoutSeconds: 2 },
    expected: everywhere(soon),
  },
];
