import type { Language } from '../../execution/execution.ts';
import type { FileEntry } from '../../execution/files.ts';

/** What a program gets beside its code. */
export interface ProgramInput {
  readonly language: Language;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Uint8Array;
  readonly files: readonly FileEntry[];
}

/** Something printed at a moment after the start. */
export interface Write {
  readonly atMs: number;
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

/** What a program does when it runs in the model; silent fields mean that it ends at once, quietly and well. */
export interface Behaviour {
  /** How long it runs unless something ends it. */
  readonly durationMs?: number | 'forever';
  /** Printed at the start. */
  readonly stdout?: string | Uint8Array;
  readonly stderr?: string | Uint8Array;
  /** Printed later. */
  readonly writes?: readonly Write[];
  readonly exitCode?: number;
  /** The signal it dies of; the exit code is then 128 + signal. */
  readonly signal?: number;
  /** Most memory it uses: above the request's limit the kernel ends the whole sandbox. */
  readonly memoryMiB?: number;
  /** It kills PID 1, so that the supervisor has no last word. */
  readonly killsSupervisor?: boolean;
  /** It stops PID 1, so that nobody inside the pod ends it at its time limit. */
  readonly freezesSupervisor?: boolean;
  /** What it leaves in its work directory. */
  readonly files?: readonly FileEntry[];
  /** Bytes it writes straight into the log, past the supervisor and its caps. */
  readonly rawLogBytes?: number;
}

/** Says what a program does, from its text and input; it must be pure. */
export type Interpret = (code: string, input: ProgramInput) => Behaviour;

const statement = /^\s*(?:print\((".*")\)|time\.sleep\(([\d.]+)\)|sys\.exit\((\d+)\)|(while True:.*))\s*$/;

/**
 * Reads four kinds of Python line — `print("…")`, `time.sleep(s)`, `sys.exit(n)` and `while True:` — and passes over
 * all others: enough for a first look and for tests without a table of their own.
 */
export function tinyPython(code: string): Behaviour {
  const writes: Write[] = [];
  let elapsedMs = 0;
  for (const line of code.split('\n')) {
    const [, text, seconds, exitCode, loop] = statement.exec(line) ?? [];
    if (text !== undefined) writes.push({ atMs: elapsedMs, stream: 'stdout', bytes: printed(text) });
    if (seconds !== undefined) elapsedMs += Number(seconds) * 1000;
    if (exitCode !== undefined) return { durationMs: elapsedMs, writes, exitCode: Number(exitCode) % 256 };
    if (loop !== undefined) return { durationMs: 'forever', writes };
  }
  return { durationMs: elapsedMs, writes };
}

function printed(literal: string): Uint8Array {
  return new TextEncoder().encode(`${literal.slice(1, -1)}\n`);
}
