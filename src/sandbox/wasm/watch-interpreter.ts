import type { Ending, WasmLanguage } from './program.ts';

/** What the interpreter's thread tells the main thread of its child. */
export type InterpreterMessage =
  | { readonly timeoutMs: number }
  | { readonly ending: Ending; readonly exitCode: number; readonly omittedFiles: number };

/** What a child runs. */
export interface Interpreter {
  readonly language: WasmLanguage;
  /** Of the thread that runs it. */
  readonly url: string;
  readonly wasmFile: string;
  /** What of the file is to be compiled, in bytes. */
  readonly wasmLength: number;
}

/** Given to the interpreter's thread at its start; the compiled module follows as a message. */
export interface InterpreterData extends Interpreter {
  /** Bytes printed so far, on stdout and on stderr. */
  readonly printed: BigInt64Array<SharedArrayBuffer>;
}

/**
 * The whole main thread of a child. It only watches: its parent, through the lifeline (descriptor 0), and the time; so
 * it can end the process while the interpreter, on the other thread, computes or sleeps.
 *
 * The child gets this function as text, which spares it the time to strip types from a file, so nothing in here may
 * come from outside.
 */
export function watchInterpreter(interpreter: Interpreter): void {
  const { closeSync, openSync, read, readSync, writeSync } = process.getBuiltinModule('node:fs');
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const printed = new BigInt64Array(new SharedArrayBuffer(16));
  const data: InterpreterData = { ...interpreter, printed };

  function end(ending: Ending, exitCode: number, omittedFiles = 0) {
    const [stdoutBytes, stderrBytes] = [0, 1].map((index) => Number(Atomics.load(printed, index)));
    writeSync(3, `${JSON.stringify({ ending, exitCode, stdoutBytes, stderrBytes, omittedFiles })}\n`);
    process.kill(process.pid, 'SIGKILL');
  }

  // Checking functions when they are first called halves the time to compile CPython, and optimising only what runs
  // for long saves a third of the processor time of its start. A V8 that has dropped these flags ignores them.
  setFlagsFromString('--wasm-lazy-validation');
  setFlagsFromString('--wasm-tiering-budget=100000000');

  const thread = new Worker(new URL(interpreter.url), {
    workerData: data,
    env: {},
    // Streams of its own: by default Node would open our descriptors 1 and 2 for it and make them non-blocking.
    stdout: true,
    stderr: true,
    // Interpreters nest deeply. With this much they run into limits of their own first, which programs can catch.
    resourceLimits: { stackSizeMb: 16, maxOldGenerationSizeMb: 256 },
  });
  thread.on('message', (message: InterpreterMessage) => {
    if ('ending' in message) end(message.ending, message.exitCode, message.omittedFiles);
    else setTimeout(() => end('timedOut', 137), message.timeoutMs);
  });
  thread.on('error', (error) => {
    process.stderr.write(`${error.stack}\n`);
    end('killed', 134);
  });
  thread.on('exit', () => process.kill(process.pid, 'SIGKILL'));
  // While the thread starts.
  const bytes = new Uint8Array(interpreter.wasmLength);
  const file = openSync(interpreter.wasmFile, 'r');
  for (let at = 0; at < bytes.length; ) at += readSync(file, bytes, at, bytes.length - at, at);
  closeSync(file);
  WebAssembly.compile(bytes).then((module) => thread.postMessage(module));
  read(0, Buffer.alloc(1), 0, 1, null, (_error, length) => {
    if (length === 1) end('killed', 137);
    else process.kill(process.pid, 'SIGKILL');
  });
}
