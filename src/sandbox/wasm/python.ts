import { readFileSync } from 'node:fs';
import { mainFiles } from '../../execution/files.ts';
import { linearMemory } from './linear-memory.ts';
import { exitCodes, type WasmProgram } from './program.ts';
import type { Session } from './session.ts';
import { checkImports, wasiImports } from './wasi.ts';
import { createWorkspace, type Workspace, workDirectory } from './workspace.ts';

const mainFile = mainFiles.python;
const startDirectory = '/start';

/** All that the interpreter can call: WASI preview 1, which ends in memory. Another build must be looked at first. */
const expectedImports =
  `args_get args_sizes_get environ_get environ_sizes_get clock_res_get clock_time_get fd_advise fd_allocate fd_close
  fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_filestat_get fd_filestat_set_size fd_filestat_set_times fd_pread
  fd_prestat_get fd_prestat_dir_name fd_pwrite fd_read fd_readdir fd_seek fd_sync fd_tell fd_write
  path_create_directory path_filestat_get path_filestat_set_times path_link path_open path_readlink
  path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff proc_exit sched_yield random_get
  sock_accept sock_recv sock_send sock_shutdown`
    .split(/\s+/)
    .map((name) => `wasi_snapshot_preview1.${name}:function`);

/** What CPython asks for at once when it wants more memory, at most; a little less than that stays unused. */
const growthBytes = 1024 * 1024;

/**
 * Runs CPython up to the point where it waits for its program, and then the program.
 * The wait is in the middle of the interpreter's start: our `sitecustomize` reads a device that has nothing yet.
 */
export function runPython(module: WebAssembly.Module, session: Session): never {
  checkImports(module, expectedImports);
  const workspace = createWorkspace(session);
  let memoryLimitBytes = Number.POSITIVE_INFINITY;
  addStartFiles(workspace, () => {
    const program = session.receive();
    memoryLimitBytes = program.memoryLimitBytes;
    return program;
  });
  const instance: WebAssembly.Instance = new WebAssembly.Instance(module, {
    wasi_snapshot_preview1: wasiImports({
      ...workspace,
      memory: linearMemory(() => memoryOf(instance)),
      args: ['python', '-uB', `${workDirectory}/${mainFile}`],
      env: [`PYTHONPATH=${startDirectory}`],
      exit: (code) => endExited(session, code),
    }),
  });
  try {
    callStart(instance);
  } catch (error) {
    const isFull = memoryOf(instance).buffer.byteLength > memoryLimitBytes - growthBytes;
    return endTrapped(session, error, isFull);
  }
  return endExited(session, 0);
}

/** Files that only the start sees: they are gone when the program runs. */
function addStartFiles({ fileSystem, load }: Workspace, receive: () => WasmProgram) {
  const directory = fileSystem.createDirectory(fileSystem.root, startDirectory);
  const script = fileSystem.createFile(directory, 'sitecustomize.py');
  fileSystem.write(script, 0, readFileSync(new URL('./python-start.py', import.meta.url)));
  let rest: Uint8Array | undefined;

  function take(): Uint8Array {
    const program = receive();
    for (const name of directory.entries.keys()) fileSystem.unlink(directory, name);
    fileSystem.removeDirectory(fileSystem.root, startDirectory);
    load(program, mainFile);
    return encodeStart(program);
  }

  fileSystem.addDevice(directory, 'program', {
    read(maxBytes) {
      rest ??= take();
      const chunk = rest.subarray(0, maxBytes);
      rest = rest.subarray(chunk.length);
      return chunk;
    },
    write() {},
  });
}

/** Neither arguments nor environment can hold a NUL. */
function encodeStart({ args, env }: WasmProgram): Buffer {
  return Buffer.from([String(args.length), ...args, ...Object.entries(env).flat()].join('\0'));
}

function endExited(session: Session, code: number): never {
  const exitCode = code & 0xff;
  const lastLine = session.stderr.tail().trimEnd().split('\n').at(-1);
  // What a limit of ours causes has no text; a MemoryError with one is about something else, such as nested brackets.
  const isMemory = exitCode === exitCodes.uncaught && lastLine === 'MemoryError';
  return session.end(isMemory ? 'memoryLimit' : 'exited', exitCode);
}

/** The interpreter itself broke: an abort, a stack overflow in C, or an allocation that it did not check. */
function endTrapped(session: Session, error: unknown, isFull: boolean): never {
  if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
  session.stderr.write(Buffer.from(`python: aborted: ${error.message}\n`));
  return session.end(isFull ? 'memoryLimit' : 'exited', exitCodes.aborted);
}

function memoryOf({ exports: { memory } }: WebAssembly.Instance): WebAssembly.Memory {
  if (memory instanceof WebAssembly.Memory) return memory;
  throw new Error('the module exports no memory');
}

function callStart({ exports: { _start } }: WebAssembly.Instance) {
  if (typeof _start !== 'function') throw new Error('the module exports no _start');
  _start();
}
