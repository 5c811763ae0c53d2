import { deserialize } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import type { HandedOut } from '../../execution/output-files.ts';
import { descriptors, lengthBytes, readExactly, writeFully } from './channels.ts';
import { checkMemoryLimit, limitMemories } from './memory-limit.ts';
import { cappedOutput, type Output } from './output.ts';
import type { Ending, WasmProgram } from './program.ts';
import type { InterpreterData, InterpreterMessage } from './watch-interpreter.ts';

/** The child's side of the conversation with its parent. */
export interface Session {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Says that everything is prepared, and blocks until the program comes. From its return on the clock runs. */
  receive(): WasmProgram;
  /** Has the program's files asked for when it has ended by itself or by its memory limit. */
  atEnd(handOut: () => HandedOut): void;
  /** Has the ending reported and the process ended; never returns. */
  end(ending: Ending, exitCode: number): never;
}

export function openSession({ printed }: Pick<InterpreterData, 'printed'>): Session {
  checkMemoryLimit();
  const stdout = cappedOutput(descriptors.stdout, (bytes) => Atomics.add(printed, 0, bytes));
  const stderr = cappedOutput(descriptors.stderr, (bytes) => Atomics.add(printed, 1, bytes));
  let handOut = (): HandedOut => ({ files: new Uint8Array(), omittedFiles: 0 });
  return {
    stdout,
    stderr,
    atEnd: (asked) => {
      handOut = asked;
    },

    receive() {
      writeFully(descriptors.control, Buffer.from('{"ready":true}\n'));
      const program = readProgram();
      tell({ timeoutMs: program.timeoutSeconds * 1000 });
      stdout.limit(program.maxStdoutBytes);
      stderr.limit(program.maxStderrBytes);
      limitMemories(program.memoryLimitBytes);
      return program;
    },

    end(ending, exitCode) {
      const { files, omittedFiles } = handOut();
      writeFully(descriptors.files, files);
      tell({ ending, exitCode, omittedFiles });
      return blockForever();
    },
  };
}

function tell(message: InterpreterMessage) {
  parentPort?.postMessage(message);
}

function readProgram(): WasmProgram {
  const length = readExactly(descriptors.control, lengthBytes)?.readUInt32LE();
  const bytes = length === undefined ? null : readExactly(descriptors.control, length);
  if (bytes === null) process.exit(0);
  return deserialize(bytes);
}

function blockForever(): never {
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
