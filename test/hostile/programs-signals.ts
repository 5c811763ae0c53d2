import { type Ending, everywhere, failed, type Program, succeeded, timedOut, within } from './program.ts';

const quick = within(4);
const died = (signal: number): readonly Ending[] => [{ state: 'FAILED', exitCode: 128 + signal, signal }];
const killed: readonly Ending[] = [{ state: 'KILLED', exitCode: 137 }];
/** It harms its supervisor, and so itself: it may lose its own exit code, and never succeeds. */
const bad: readonly Ending[] = [{ state: 'FAILED' }, ...killed, ...timedOut];
/** Nobody in the pod ends it: our watcher does, five seconds after the time limit. */
const fenced = { endings: timedOut, outputComplete: false, ...within(12) };

/** Exit codes are the program's own whatever they mean elsewhere; only their last eight bits arrive. */
const exits = [137, 124, 128, 143, 255].map(
  (code): Program => ({
    threat: 21,
    name: `exit code ${code}`,
    language: 'python',
    code: `raise SystemExit(${code})`,
    expected: everywhere({ endings: failed(code), stdout: { is: '' }, ...quick }),
  }),
);

/** Programs that end oddly. */
export const endingPrograms: readonly Program[] = [
  ...exits,
  {
    threat: 21,
    name: 'exit code 256',
    language: 'python',
    code: 'raise SystemExit(256)',
    expected: everywhere({ endings: succeeded, ...quick }),
  },
  {
    threat: 21,
    name: 'exit code -1',
    language: 'python',
    code: 'raise SystemExit(-1)',
    expected: everywhere({ endings: failed(255), ...quick }),
  },
  {
    threat: 23,
    name: 'a segmentation fault',
    language: 'python',
    code: 'import ctypes\nprint("begun", flush=True)\nctypes.string_at(0)',
    expected: { kubernetes: { endings: died(11), stdout: { is: 'begun\n' }, ...quick } },
  },
  {
    threat: 23,
    name: 'an abort',
    language: 'python',
    code: 'import os\nprint("begun", flush=True)\nos.abort()',
    expected: {
      kubernetes: { endings: died(6), stdout: { is: 'begun\n' }, ...quick },
      wasm: { endings: failed(134), stdout: { is: 'begun\n' }, ...quick },
    },
  },
  {
    threat: 23,
    name: 'an overflow of the stack',
    language: 'python',
    code: 'x = ()\nfor _ in range(400_000): x = (x,)\nprint("begun", flush=True)\nhash(x)',
    expected: {
      kubernetes: { endings: died(11), stdout: { is: 'begun\n' }, ...quick },
      wasm: { endings: failed(134), stdout: { is: 'begun\n' }, ...quick },
    },
  },
  {
    threat: 24,
    name: 'a daemon that would live for ever',
    language: 'python',
    code: `
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 3)
        while True: time.sleep(1)
    os._exit(0)
os.wait()
print("left")`,
    expected: { kubernetes: { endings: succeeded, stdout: { is: 'left\n' }, ...quick } },
  },
  {
    threat: 55,
    name: 'a grandchild that holds stdout open and goes on printing',
    language: 'python',
    code: `
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            os.write(1, b".")
            time.sleep(0.01)
    os._exit(0)
os.wait()
time.sleep(0.1)
raise SystemExit(4)`,
    expected: { kubernetes: { endings: failed(4), stdout: { like: [/^\.*$/] }, ...quick } },
  },
  {
    threat: 54,
    name: 'inherited descriptors closed',
    language: 'python',
    code: 'import os\nos.write(1, b"begun\\n")\nos.closerange(0, 65_536)\nos._exit(7)',
    expected: everywhere({ endings: failed(7), stdout: { is: 'begun\n' }, ...quick }),
  },
  {
    threat: 25,
    name: 'another program in its place',
    language: 'python',
    code: 'import os\nos.execvp("sh", ["sh", "-c", "echo replaced; exit 6"])',
    expected: { kubernetes: { endings: failed(6), stdout: { is: 'replaced\n' }, ...quick } },
  },
  {
    threat: 25,
    name: 'its own source deleted',
    language: 'python',
    code: 'import os\nos.unlink(__file__)\nprint(os.path.exists(__file__))',
    expected: everywhere({ endings: succeeded, stdout: { is: 'False\n' }, ...quick }),
  },
];

/** Programs that turn against the process above them. */
export const signalPrograms: readonly Program[] = [
  {
    threat: 22,
    name: 'kill -9 of itself',
    language: 'python',
    code: 'import os\nprint("begun", flush=True)\nos.kill(os.getpid(), 9)',
    expected: { kubernetes: { endings: died(9), stdout: { is: 'begun\n' }, ...quick } },
  },
  {
    threat: 22,
    name: 'kill -9 of process 1',
    language: 'python',
    code: 'import os, time\nprint("begun", flush=True)\ntime.sleep(0.3)\nos.kill(1, 9)\ntime.sleep(60)',
    expected: { kubernetes: { endings: killed, outputComplete: false, stdout: { is: 'begun\n' }, ...quick } },
  },
  {
    threat: 22,
    name: 'kill -9 of process 1 in JavaScript',
    language: 'javascript',
    code: 'console.log("begun"); setTimeout(() => process.kill(1, "SIGKILL"), 300); setTimeout(() => {}, 60_000);',
    expected: { kubernetes: { endings: killed, outputComplete: false, stdout: { is: 'begun\n' }, ...quick } },
  },
  {
    threat: 22,
    name: 'kill -9 of everybody',
    language: 'python',
    code: 'import os\nprint("begun", flush=True)\nif os.fork() == 0: os.pause()\nos.kill(-1, 9)\nprint("alone")',
    expected: {
      kubernetes: {
        endings: [...killed, ...died(9), ...succeeded],
        stdout: { like: [/^begun\n(alone\n)?$/] },
        ...quick,
      },
    },
  },
  {
    threat: 22,
    name: 'every signal but the deadly two to process 1, then its own end',
    language: 'python',
    code: `
import os
for number in (1, 2, 3, 6, 10, 12, 13, 16, 17, 18, 20, 21, 22, 24, 25, 26, 27, 28, 29, 30, 31, 34, 64): os.kill(1, number)
raise SystemExit(5)`,
    expected: { kubernetes: { endings: failed(5), ...quick } },
  },
  {
    threat: 22,
    name: 'the request to stop, sent to process 1',
    language: 'python',
    code: 'import os, time\nos.kill(1, 15)\ntime.sleep(60)',
    expected: { kubernetes: { endings: [{ state: 'FAILED', exitCode: 143 }], ...quick } },
  },
  {
    threat: 22,
    name: 'the alarm of the time limit, sent to process 1',
    language: 'python',
    code: 'import os, time\nos.kill(1, 14)\ntime.sleep(60)',
    expected: { kubernetes: { endings: [{ state: 'FAILED', exitCode: 124 }], ...quick } },
  },
  {
    threat: 22,
    name: 'a segmentation fault sent to process 1',
    language: 'python',
    code: 'import os, time\nos.kill(1, 11)\ntime.sleep(1)\nraise SystemExit(3)',
    expected: {
      kubernetes: { endings: [{ state: 'FAILED', exitCode: 139 }, ...failed(3)], ...quick },
    },
  },
  ...['NOFILE', 'AS', 'CPU', 'FSIZE', 'NPROC'].map(
    (limit): Program => ({
      threat: 59,
      name: `no ${limit} left to process 1, then its own end`,
      language: 'python',
      code: `
import os, resource, time
os.write(1, b"begun\\n")
time.sleep(0.3)
try: resource.prlimit(1, resource.RLIMIT_${limit}, (0, 0))
except OSError: pass
os.write(1, b"x" * 100_000)
time.sleep(0.3)
os._exit(3)`,
      request: { timeoutSeconds: 3 },
      expected: { kubernetes: { endings: bad, stdout: { like: [/^begun\n/] }, ...within(12) } },
    }),
  ),
  {
    threat: 53,
    name: 'kill -STOP of process 1, then a loop',
    language: 'python',
    code: 'import os, time\nprint("begun", flush=True)\ntime.sleep(0.3)\nos.kill(1, 19)\nwhile True: time.sleep(0.1)',
    request: { timeoutSeconds: 2 },
    expected: { kubernetes: { ...fenced, stdout: { is: 'begun\n' } } },
  },
  {
    threat: 53,
    name: 'kill -STOP of process 1, then its own end',
    language: 'python',
    code: 'import os\nos.kill(1, 19)\nos._exit(0)',
    request: { timeoutSeconds: 2 },
    expected: { kubernetes: fenced },
  },
  {
    threat: 53,
    name: 'kill -STOP of process 1 in JavaScript',
    language: 'javascript',
    code: 'console.log("begun"); setTimeout(() => process.kill(1, "SIGSTOP"), 300); setInterval(() => {}, 100);',
    request: { timeoutSeconds: 3 },
    expected: { kubernetes: { ...fenced, stdout: { is: 'begun\n' } } },
  },
];
