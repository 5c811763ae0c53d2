import { memoryFileSystem } from './file-system.ts';
import { openFiles } from './open-files.ts';
import { fileSystemBytes, type WasmProgram } from './program.ts';
import type { Session } from './session.ts';
import { clocks, now } from './wasi-clock.ts';

export const workDirectory = '/work';

export type Workspace = ReturnType<typeof createWorkspace>;

/** The files a program finds: an empty /work and /tmp, a few devices, and its three streams as descriptors 0 to 2. */
export function createWorkspace({ stdout, stderr }: Pick<Session, 'stdout' | 'stderr'>) {
  const fileSystem = memoryFileSystem(fileSystemBytes, () => now(clocks.realtime));
  const files = openFiles(fileSystem);
  const { root } = fileSystem;
  for (const path of [workDirectory, '/tmp', '/dev']) fileSystem.createDirectory(root, path);
  let input: Uint8Array = new Uint8Array(0);

  const readStdin = (maxBytes: number) => {
    const chunk = input.subarray(0, maxBytes);
    input = input.subarray(chunk.length);
    return chunk;
  };
  const ignore = () => {};
  const empty = () => new Uint8Array(0);
  const stdin = fileSystem.addDevice(root, '/dev/stdin', { read: readStdin, write: ignore });
  const out = fileSystem.addDevice(root, '/dev/stdout', { read: empty, write: stdout.write });
  const err = fileSystem.addDevice(root, '/dev/stderr', { read: empty, write: stderr.write });
  fileSystem.addDevice(root, '/dev/null', { read: empty, write: ignore });
  files.open(stdin, { readable: true, writable: false, append: false });
  files.open(out, { readable: false, writable: true, append: false });
  files.open(err, { readable: false, writable: true, append: false });
  files.open(root, { readable: true, writable: false, append: false });

  return {
    fileSystem,
    files,
    readStdin,

    /** Puts the program where the interpreter looks for it. */
    load({ code, stdin: bytes }: WasmProgram, mainFile: string) {
      fileSystem.write(fileSystem.createFile(root, mainFile), 0, code);
      input = bytes;
    },
  };
}
