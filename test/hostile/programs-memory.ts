import { type Ending, everywhere, failed, memoryLimit, type Program, timedOut, within } from './program.ts';

const overLimit = { endings: memoryLimit, ...within(10) };
/** How a bomb ends depends on what it meets first; that it ends by itself and well is not among it. */
const contained: readonly Ending[] = [...failed(1), ...memoryLimit, ...timedOut];

/** Programs that take memory, processes and descriptors. */
export const memoryPrograms: readonly Program[] = [
  {
    threat: 3,
    name: 'four times its memory at once',
    language: 'python',
    code: 'print("begun", flush=True)\nheld = b"x" * (512 << 20)\nprint(len(held))',
    expected: everywhere({ ...overLimit, stdout: { is: 'begun\n' } }),
  },
  {
    threat: 3,
    name: 'memory without end in JavaScript',
    language: 'javascript',
    code: 'require("node:fs").writeSync(1, "begun\\n"); const held = []; for (;;) held.push(new Uint8Array(1 << 20).fill(1));',
    expected: everywhere({ ...overLimit, stdout: { is: 'begun\n' } }),
  },
  {
    threat: 4,
    name: 'memory to just below its limit, then shared pages over it',
    language: 'python',
    code: `
import mmap, time
held = [b"x" * (1 << 20) for _ in range(60)]
print("begun", flush=True)
shared = []
while True:
    pages = mmap.mmap(-1, 1 << 20)
    pages.write(b"y" * (1 << 20))
    shared.append(pages)
    time.sleep(0.005)`,
    expected: { kubernetes: { ...overLimit, stdout: { is: 'begun\n' } } },
  },
  {
    threat: 4,
    name: 'memory of files that no directory names',
    language: 'python',
    code: `
import os
print("begun", flush=True)
file = os.memfd_create("hidden")
while True: os.write(file, bytes(1 << 20))`,
    expected: { kubernetes: { ...overLimit, stdout: { is: 'begun\n' } } },
  },
  {
    threat: 5,
    name: 'a fork bomb',
    language: 'python',
    code: `
import os
print("begun", flush=True)
while True:
    try: os.fork()
    except OSError: pass`,
    request: { timeoutSeconds: 3, cpuLimitMillicores: 500 },
    expected: { kubernetes: { endings: contained, stdout: { like: [/^begun\n/] }, ...within(12) } },
  },
  {
    threat: 5,
    name: 'a fork bomb of a shell',
    language: 'python',
    code: `
import subprocess, time
print("begun", flush=True)
subprocess.run(["sh", "-c", "bomb() { bomb | bomb & }; bomb"], stderr=subprocess.DEVNULL)
time.sleep(60)`,
    request: { timeoutSeconds: 3, cpuLimitMillicores: 500 },
    expected: { kubernetes: { endings: contained, stdout: { is: 'begun\n' }, ...within(12) } },
  },
  {
    threat: 6,
    name: 'a hundred thousand threads',
    language: 'python',
    code: `
import threading, time
print("begun", flush=True)
threading.stack_size(32768)
for _ in range(100_000): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()`,
    request: { timeoutSeconds: 4 },
    expected: {
      kubernetes: { endings: contained, stdout: { is: 'begun\n' }, ...within(10) },
      wasm: { endings: failed(1), stderr: { like: [/can't start new thread/] }, ...within(2) },
    },
  },
  {
    threat: 7,
    name: 'a million open files',
    language: 'python',
    code: `
import errno
held = []
try:
    for _ in range(1_000_000): held.append(open(__file__))
except OSError as error:
    del held[:]
    raise SystemExit(errno.errorcode[error.errno])`,
    request: { timeoutSeconds: 8 },
    expected: {
      kubernetes: { endings: contained, ...within(12) },
      wasm: { endings: failed(1), stderr: { is: 'EMFILE\n' }, ...within(4) },
    },
  },
  {
    threat: 12,
    name: 'a string of a terabyte',
    language: 'python',
    code: 'held = b"x" * 10 ** 12\nprint("it fits")',
    expected: {
      kubernetes: { endings: [...memoryLimit, ...failed(1)], stdout: { is: '' }, ...within(10) },
      wasm: { endings: failed(1), stdout: { is: '' }, stderr: { like: [/OverflowError/] }, ...within(3) },
    },
  },
  {
    threat: 12,
    name: 'a decompression bomb in memory',
    language: 'python',
    code: `
import zlib
pack = zlib.compressobj(9)
bomb = b"".join(pack.compress(bytes(1 << 20)) for _ in range(400)) + pack.flush()
print("begun", flush=True)
print(len(zlib.decompress(bomb)))`,
    expected: { kubernetes: { ...overLimit, stdout: { is: 'begun\n' } } },
  },
];
