import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { serialize } from 'node:v8';
import { maxPackedBytes } from '../../execution/output-files.ts';
import type { CapturedStream } from '../sandbox.ts';
import { descriptors, lengthBytes } from './channels.ts';
import { childArguments } from './child-arguments.ts';
import { controlMessages, type Report } from './control.ts';
import { type Ending, exitCodes, type WasmLanguage, type WasmProgram } from './program.ts';

/** How long a child may take to end itself before it is killed from outside, in milliseconds. */
const graceMs = 1_000;
const maxDiagnosticsBytes = 8_192;
const notStarted = 'the WebAssembly sandbox did not start';

export interface WasmEnding {
  readonly ending: Ending;
  /** As a shell shows it; 137 when the program was killed or ran out of time. */
  readonly exitCode: number;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly stdout: CapturedStream;
  readonly stderr: CapturedStream;
  /** Packed. */
  readonly files: Uint8Array;
  readonly omittedFiles: number;
}

export type PreparedChild = ReturnType<typeof spawnSandbox>;

/**
 * Starts a child process with the interpreter of a language, ready to be handed one program. A child runs one
 * program and is never used again; it ends when the program ends, at the time limit, by `kill`, or with its parent.
 */
export function spawnSandbox(language: WasmLanguage) {
  const child = spawnChild(language);
  const closed = whenClosed(child);
  const killer = delayedKill(child);
  const { ready, report } = controlMessages(socket(child, descriptors.control));
  const stdout = collected(socket(child, descriptors.stdout));
  const stderr = collected(socket(child, descriptors.stderr));
  const files = collected(socket(child, descriptors.files));
  const diagnostics = collected(socket(child, descriptors.diagnostics), maxDiagnosticsBytes);
  const lifeline = socket(child, descriptors.lifeline);
  let isRunning = false;

  return {
    /** Resolves when the interpreter waits for its program; rejects when the child ended before. */
    ready: Promise.race([ready, closed.then(() => failedStart(diagnostics.captured(0)))]),

    /** Hands the program over; to be called once, after `ready`. `startedAt` is what the ending will say. */
    async run(program: WasmProgram, startedAt = Date.now()): Promise<WasmEnding> {
      isRunning = true;
      stdout.limit(program.maxStdoutBytes);
      stderr.limit(program.maxStderrBytes);
      files.limit(maxPackedBytes(program));
      writeFrame(socket(child, descriptors.control), serialize(program));
      killer.schedule(program.timeoutSeconds * 1000 + graceMs, 'timedOut');
      const exit = await closed;
      killer.cancel();
      const { ending, exitCode, ...printed } = report() ?? withoutReport(exit, killer.cause());
      const streams = { stdout: stdout.captured(printed.stdoutBytes), stderr: stderr.captured(printed.stderrBytes) };
      const handedOut = { files: files.captured(0).bytes, omittedFiles: printed.omittedFiles };
      return { ending, exitCode, startedAt, finishedAt: Date.now(), ...streams, ...handedOut };
    },

    /** What was printed so far. */
    output: () => ({ stdout: stdout.captured(0), stderr: stderr.captured(0) }),

    hasEnded: () => child.exitCode !== null || child.signalCode !== null,

    /** Ends the child, whatever it does, and resolves when it is gone; a program that runs ends as `killed`. */
    async kill(): Promise<void> {
      if (child.pid === undefined) return;
      lifeline.write('k');
      killer.schedule(isRunning ? graceMs : 0, 'killed');
      await closed;
      killer.cancel();
    },
  };
}

function spawnChild(language: WasmLanguage): ChildProcess {
  const child = spawn(process.execPath, childArguments(language), {
    env: {},
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    // Ctrl-C at a terminal is for us; the child learns from its lifeline.
    detached: true,
  });
  if (child.stdio === undefined) {
    // Node gives up early then, and its event, which says no more, would end this process if nobody listened.
    child.on('error', () => {});
    throw new Error(`${notStarted}: this process or the system has no file descriptor left`);
  }
  return child;
}

/** Kills from outside, for when the child does not end itself. */
function delayedKill(child: ChildProcess) {
  let timer: NodeJS.Timeout | undefined;
  let cause: Ending = 'killed';
  return {
    schedule(milliseconds: number, ending: Ending) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        cause = ending;
        child.kill('SIGKILL');
      }, milliseconds);
    },
    cancel: () => clearTimeout(timer),
    cause: () => cause,
  };
}

function writeFrame(control: Socket, payload: Uint8Array) {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(payload.length);
  control.write(Buffer.concat([length, payload]));
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

function whenClosed(child: ChildProcess): Promise<Exit> {
  const { promise, resolve, reject } = Promise.withResolvers<Exit>();
  child.on('error', (error) => {
    // A child that exists will close; an error then is about a signal that came too late.
    if (child.pid === undefined) reject(error);
  });
  child.once('close', (code, signal) => resolve({ code, signal }));
  return promise;
}

function failedStart({ bytes }: CapturedStream): never {
  throw new Error(`${notStarted}: ${Buffer.from(bytes).toString()}`);
}

/** The child was ended before it could say more: by us, or by the system, for example when memory ran out. */
function withoutReport({ code, signal }: Exit, ending: Ending): Report {
  const exitCode = signal === null ? (code ?? exitCodes.killed) : 128 + constants.signals[signal];
  return { ending, exitCode, stdoutBytes: 0, stderrBytes: 0, omittedFiles: 0 };
}

function socket(child: ChildProcess, descriptor: number): Socket {
  const stream = child.stdio[descriptor];
  if (!(stream instanceof Socket)) throw new Error(`the child has no pipe ${descriptor}`);
  // A pipe breaks when the child ends first, which its exit tells.
  if (stream.listenerCount('error') === 0) stream.on('error', () => {});
  return stream;
}

/** Keeps the first bytes of a stream. The child has the same limit; this one holds when the child does not. */
function collected(stream: Socket, maxBytes = 0) {
  const chunks: Buffer[] = [];
  let keptBytes = 0;
  let receivedBytes = 0;
  stream.on('data', (chunk: Buffer) => {
    receivedBytes += chunk.length;
    const kept = chunk.subarray(0, maxBytes - keptBytes);
    if (kept.length === 0) return;
    keptBytes += kept.length;
    chunks.push(kept);
  });
  return {
    limit(bytes: number) {
      maxBytes = bytes;
    },

    captured: (countedBytes: number): CapturedStream => ({
      bytes: Buffer.concat(chunks),
      totalBytes: Math.max(receivedBytes, countedBytes),
    }),
  };
}
