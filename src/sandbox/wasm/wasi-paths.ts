import { SystemCallError } from './errno.ts';
import { findOrCreate } from './file-system.ts';
import type { DirectoryInode, Inode } from './inode.ts';
import type { WasiHost } from './wasi.ts';
import { setTimes, writeFileStatus } from './wasi-status.ts';

const openFlags = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;
const rights = { read: 1n << 1n, write: 1n << 6n } as const;
const appendFlag = 1;

/** The calls on a path below an open directory. */
export function pathCalls(host: WasiHost) {
  return { ...nodeCalls(host), ...nameCalls(host), ...openCalls(host) };
}

function nodeCalls({ memory, fileSystem, files }: WasiHost) {
  const find = (descriptor: number, path: number, length: number): Inode =>
    fileSystem.find(files.directory(descriptor), memory.readText(path, length));

  return {
    path_filestat_get: (descriptor: number, _flags: number, path: number, length: number, resultPointer: number) =>
      writeFileStatus(memory, resultPointer, find(descriptor, path, length)),

    path_filestat_set_times: (
      descriptor: number,
      _flags: number,
      path: number,
      length: number,
      accessed: bigint,
      modified: bigint,
      timeFlags: number,
    ) => setTimes(find(descriptor, path, length), accessed, modified, timeFlags),

    path_readlink(descriptor: number, path: number, length: number) {
      find(descriptor, path, length);
      // There are no symbolic links, and readlink(2) says EINVAL of anything else.
      throw new SystemCallError('INVAL');
    },
  };
}

function nameCalls({ memory, fileSystem, files }: WasiHost) {
  return {
    path_create_directory(descriptor: number, path: number, length: number) {
      fileSystem.createDirectory(files.directory(descriptor), memory.readText(path, length));
    },

    path_remove_directory: (descriptor: number, path: number, length: number) =>
      fileSystem.removeDirectory(files.directory(descriptor), memory.readText(path, length)),

    path_unlink_file: (descriptor: number, path: number, length: number) =>
      fileSystem.unlink(files.directory(descriptor), memory.readText(path, length)),

    path_link: (
      from: number,
      _flags: number,
      oldPath: number,
      oldLength: number,
      to: number,
      newPath: number,
      newLength: number,
    ) =>
      fileSystem.link(
        files.directory(from),
        memory.readText(oldPath, oldLength),
        files.directory(to),
        memory.readText(newPath, newLength),
      ),

    path_rename: (from: number, oldPath: number, oldLength: number, to: number, newPath: number, newLength: number) =>
      fileSystem.rename(
        files.directory(from),
        memory.readText(oldPath, oldLength),
        files.directory(to),
        memory.readText(newPath, newLength),
      ),

    path_symlink() {
      throw new SystemCallError('NOTSUP');
    },
  };
}

function openCalls({ memory, fileSystem, files }: WasiHost) {
  function find(directory: DirectoryInode, path: string, flags: number): Inode {
    if ((flags & openFlags.create) === 0) return fileSystem.find(directory, path);
    if ((flags & openFlags.exclusive) !== 0) return fileSystem.createFile(directory, path);
    return findOrCreate(fileSystem, directory, path);
  }

  return {
    path_open(
      descriptor: number,
      _lookupFlags: number,
      path: number,
      length: number,
      flags: number,
      wanted: bigint,
      _inheriting: bigint,
      descriptorFlags: number,
      resultPointer: number,
    ) {
      const writable = (wanted & rights.write) !== 0n;
      const node = find(files.directory(descriptor), memory.readText(path, length), flags);
      if (node.kind !== 'directory' && (flags & openFlags.directory) !== 0) throw new SystemCallError('NOTDIR');
      if (node.kind === 'directory' && writable) throw new SystemCallError('ISDIR');
      if (node.kind === 'file' && writable && (flags & openFlags.truncate) !== 0) fileSystem.resize(node, 0);
      const access = {
        readable: (wanted & rights.read) !== 0n,
        writable,
        append: (descriptorFlags & appendFlag) !== 0,
      };
      memory.writeU32(resultPointer, files.open(node, access));
    },
  };
}
