import type { Language } from '../../execution/execution.ts';

/** One program, complete: what a child is handed once, after it was told that it may run. */
export interface WasmProgram {
  readonly code: Uint8Array;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Uint8Array;
  /** Files of its work directory, packed. */
  readonly files: Uint8Array;
  /** Patterns of the files that come back, and how many bytes these may have. */
  readonly outputFiles: readonly string[];
  readonly maxOutputFileBytes: number;
  readonly timeoutSeconds: number;
  /** Of the linear memory. The child's own needs and its file system come on top. */
  readonly memoryLimitBytes: number;
  readonly maxStdoutBytes: number;
  readonly maxStderrBytes: number;
}

export const endings = ['exited', 'timedOut', 'memoryLimit', 'killed'] as const;
export type Ending = (typeof endings)[number];

/** Exit codes as a shell shows them, for endings that are not the program's own. */
export const exitCodes = { uncaught: 1, aborted: 134, killed: 137 } as const;

/** Languages that have an interpreter here, and the lowest memory limit in which their ordinary programs were measured to run. */
export const minimumMemoryMiB = { python: 16, javascript: 8 } as const satisfies Partial<Record<Language, number>>;
export type WasmLanguage = keyof typeof minimumMemoryMiB;

export function isWasmLanguage(language: Language): language is WasmLanguage {
  return Object.hasOwn(minimumMemoryMiB, language);
}

/** What the work directory and /tmp may hold together. */
export const fileSystemBytes = 64 * 1024 * 1024;
