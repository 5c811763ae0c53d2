import type { WasmLanguage, WasmProgram } from '../../../src/sandbox/wasm/program.ts';
import { spawnSandbox, type WasmEnding } from '../../../src/sandbox/wasm/spawn.ts';

export interface Shown extends Pick<WasmEnding, 'ending' | 'exitCode'> {
  readonly stdout: string;
  readonly stderr: string;
}

export const noFiles = { files: new Uint8Array(), outputFiles: [], maxOutputFileBytes: 0 };

const ordinary: Omit<WasmProgram, 'code'> = {
  ...noFiles,
  args: [],
  env: {},
  stdin: new Uint8Array(),
  timeoutSeconds: 25,
  memoryLimitBytes: 64 * 1024 * 1024,
  maxStdoutBytes: 1_000_000,
  maxStderrBytes: 1_000_000,
};

/** Runs a program in a child of its own. */
export async function runRaw(
  language: WasmLanguage,
  code: string | Uint8Array,
  options: Partial<WasmProgram> = {},
): Promise<WasmEnding> {
  const child = spawnSandbox(language);
  await child.ready;
  return child.run({ ...ordinary, code: Buffer.from(code), ...options });
}

/** As `runRaw`, with what was printed as text. */
export async function run(
  language: WasmLanguage,
  code: string | Uint8Array,
  options: Partial<WasmProgram> = {},
): Promise<Shown> {
  const { ending, exitCode, stdout, stderr } = await runRaw(language, code, options);
  return {
    ending,
    exitCode,
    stdout: Buffer.from(stdout.bytes).toString(),
    stderr: Buffer.from(stderr.bytes).toString(),
  };
}

export const mebibytes = (count: number) => count * 1024 * 1024;
