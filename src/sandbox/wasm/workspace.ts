import { handedOut } from '../../execution/output-files.ts';
import { memoryFileSystem } from './file-system.ts';
import { openFiles } from './open-files.ts';
import { fileSystemBytes, type WasmProgram } from './program.ts';
import type { Session } from './session.ts';
import { clocks, now } from './wasi-clock.ts';
import { filesBelow, placeFiles } from './work-files.ts';

export const workDirectory = '/work';

export type Workspace = ReturnType<typeof createWorkspace>;

/** The files a program finds: its own in /work, an empty /tmp, a few devices, and its three streams as descriptors 0 to 2. */
export function createWorkspace({ stdout, stderr, atEnd }: Pick<Session, 'stdout' | 'stderr' | 'atEnd'>) {
  const fileSystem = memoryFileSystem(fileSystemBytes, () => now(clocks.realtime));
  const files = openFiles(fileSystem);
  const { root } = fileSystem;
  const work = fileSystem.createDirectory(root, workDirectory);
  for (const path of ['/tmp', '/dev']) fileSystem.createDirectory(root, path);
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

    /** Puts the program where the interpreter looks for it, and its files beside it. */
    load(program: WasmProgram, mainFile: string) {
      placeFiles(fileSystem, work, program.files);
      fileSystem.write(fileSystem.createFile(work, mainFile), 0, program.code);
      input = program.stdin;
      atEnd(() =>
        handedOut(
          filesBelow(work).filter(({ path }) => path !== mainFile),
          program,
        ),
      );
    },
  };
}
