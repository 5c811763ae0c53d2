import type { JSValueHandle, QuickJS } from 'quickjs-wasi';
import { SystemCallError } from './errno.ts';
import { type FileSystem, findOrCreate } from './file-system.ts';
import type { Session } from './session.ts';
import { type Workspace, workDirectory } from './workspace.ts';

type HostFunction = (...args: JSValueHandle[]) => JSValueHandle;

/**
 * Puts the functions that the guest's modules call on `globalThis.host`. All of them take and give text, numbers and
 * bytes; `drive` alone hands the guest's own functions out.
 */
export function installHostFunctions(
  vm: QuickJS,
  workspace: Workspace,
  session: Session,
  onDrive: (guest: JSValueHandle) => void,
) {
  const drive: HostFunction = (guest) => {
    onDrive(argument(guest).dup());
    return vm.undefined;
  };
  const functions = { drive, ...streamFunctions(vm, workspace, session), ...fileFunctions(vm, workspace) };
  const host = vm.newObject();
  for (const [name, run] of Object.entries(functions)) vm.setProp(host, name, vm.newFunction(name, run));
  vm.setProp(vm.global, 'host', host);
}

function streamFunctions(
  vm: QuickJS,
  { readStdin }: Workspace,
  { stdout, stderr, end }: Session,
): Record<string, HostFunction> {
  return {
    write(descriptor, data) {
      (argument(descriptor).toNumber() === 2 ? stderr : stdout).write(bytesOf(data));
      return vm.undefined;
    },
    readInput: (maxBytes) => vm.newUint8Array(readStdin(argument(maxBytes).toNumber())),
    random: (length) => vm.newUint8Array(crypto.getRandomValues(new Uint8Array(argument(length).toNumber()))),
    randomUuid: () => vm.newString(crypto.randomUUID()),
    exit: (code) => end('exited', argument(code).toNumber() & 0xff),
  };
}

/** A failed one throws an error whose message is the code, such as ENOENT. */
function fileFunctions(vm: QuickJS, { fileSystem }: Workspace): Record<string, HostFunction> {
  const { root } = fileSystem;
  const onPaths = (run: (first: string, second: string) => unknown): HostFunction => {
    return (first, second) => {
      run(absolute(first), second === undefined ? '' : absolute(second));
      return vm.undefined;
    };
  };
  return {
    createDirectory: onPaths((path) => fileSystem.createDirectory(root, path)),
    removeDirectory: onPaths((path) => fileSystem.removeDirectory(root, path)),
    unlink: onPaths((path) => fileSystem.unlink(root, path)),
    rename: onPaths((from, to) => fileSystem.rename(root, from, root, to)),
    readFile: (path) => vm.newUint8Array(readFile(fileSystem, absolute(path))),

    writeFile(path, data, flag) {
      writeFile(fileSystem, absolute(path), bytesOf(data), argument(flag).toString());
      return vm.undefined;
    },

    status(path) {
      const node = fileSystem.find(root, absolute(path));
      const mtimeMs = Number(node.times.modified / 1_000_000n);
      return vm.newString(JSON.stringify({ kind: node.kind, size: node.kind === 'file' ? node.size : 0, mtimeMs }));
    },

    list(path) {
      const node = fileSystem.find(root, absolute(path));
      if (node.kind !== 'directory') throw new SystemCallError('NOTDIR');
      return vm.newString(JSON.stringify([...node.entries].map(([name, { kind }]) => [name, kind])));
    },
  };
}

export function readFile(fileSystem: FileSystem, path: string): Uint8Array {
  const node = fileSystem.find(fileSystem.root, path);
  if (node.kind === 'directory') throw new SystemCallError('ISDIR');
  return node.kind === 'file' ? fileSystem.read(node, 0, node.size) : new Uint8Array(0);
}

/** `flag` as for Node: `w`, `a`, and with an `x` only a file that is new. */
function writeFile(fileSystem: FileSystem, path: string, bytes: Uint8Array, flag: string) {
  const node = flag.includes('x')
    ? fileSystem.createFile(fileSystem.root, path)
    : findOrCreate(fileSystem, fileSystem.root, path);
  if (node.kind === 'directory') throw new SystemCallError('ISDIR');
  if (node.kind === 'device') return node.write(bytes);
  if (!flag.startsWith('a')) fileSystem.resize(node, 0);
  fileSystem.write(node, node.size, bytes);
}

function absolute(handle: JSValueHandle | undefined): string {
  const path = argument(handle).toString();
  return path.startsWith('/') ? path : `${workDirectory}/${path}`;
}

function argument(handle: JSValueHandle | undefined): JSValueHandle {
  if (handle === undefined) throw new TypeError('an argument is missing');
  return handle;
}

function bytesOf(handle: JSValueHandle | undefined): Uint8Array {
  const data = argument(handle);
  return data.isString ? Buffer.from(data.toString()) : data.toUint8Array();
}
