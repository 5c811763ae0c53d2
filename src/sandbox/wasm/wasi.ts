import { errno, SystemCallError } from './errno.ts';
import type { FileSystem } from './file-system.ts';
import type { LinearMemory } from './linear-memory.ts';
import type { OpenFiles } from './open-files.ts';
import { clockCalls } from './wasi-clock.ts';
import { descriptorCalls } from './wasi-descriptors.ts';
import { pathCalls } from './wasi-paths.ts';
import { processCalls } from './wasi-process.ts';

/** What the system calls work on; there is nothing else that they can reach. */
export interface WasiHost {
  readonly memory: LinearMemory;
  readonly fileSystem: FileSystem;
  readonly files: OpenFiles;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly exit: (code: number) => never;
}

/** A system call: it returns nothing, or throws a `SystemCallError`. */
export type SystemCall = (...args: never[]) => void;

type Guarded<Calls> = { [Name in keyof Calls]: (...args: never[]) => number };

/** Every function of WASI preview 1 that an interpreter of ours may import. */
export function wasiImports(host: WasiHost) {
  return {
    ...guardAll(clockCalls(host)),
    ...guardAll(descriptorCalls(host)),
    ...guardAll(pathCalls(host)),
    ...guardAll(processCalls(host)),
  };
}

/** Refuses a module that asks for anything but `expected`, each as `module.name:kind`. */
export function checkImports(module: WebAssembly.Module, expected: readonly string[]): void {
  const wanted = WebAssembly.Module.imports(module).map(({ module: from, name, kind }) => `${from}.${name}:${kind}`);
  const surprises = wanted.filter((name) => !expected.includes(name));
  if (surprises.length > 0) throw new Error(`unexpected imports of a WebAssembly module: ${surprises.join(', ')}`);
}

function guardAll<Calls extends Record<string, SystemCall>>(calls: Calls): Guarded<Calls>;
function guardAll(calls: Record<string, SystemCall>) {
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, guarded(call)]));
}

function guarded(call: SystemCall): (...args: never[]) => number {
  return (...args) => {
    try {
      call(...args);
      return errno.SUCCESS;
    } catch (error) {
      if (error instanceof SystemCallError) return errno[error.code];
      throw error;
    }
  };
}
