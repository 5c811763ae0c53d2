import { SystemCallError } from './errno.ts';
import type { DeviceInode, DirectoryInode, FileInode, Inode, Times } from './inode.ts';
import { locate, walk } from './path.ts';

/** What an inode costs beside its content, a block as on a disk: a million empty files are no way around the limit. */
const inodeBytes = 4096;

export type FileSystem = ReturnType<typeof memoryFileSystem>;

/**
 * A file tree in memory that never holds more than `limitBytes`: what would not fit fails with ENOSPC.
 * Every path is resolved inside the tree (`..` of the root is the root), so there is nothing outside to reach.
 */
export function memoryFileSystem(limitBytes: number, nowNanoseconds: () => bigint) {
  const volume = newVolume(limitBytes, nowNanoseconds);
  return { root: volume.root, ...creation(volume), ...naming(volume), ...content(volume) };
}

type Volume = ReturnType<typeof newVolume>;

/** The space, the clock and the numbering that all inodes share. */
function newVolume(limitBytes: number, nowNanoseconds: () => bigint) {
  let usedBytes = 0;
  let lastId = 0n;

  function newInode(): { id: bigint; times: Times } {
    lastId += 1n;
    const now = nowNanoseconds();
    return { id: lastId, times: { accessed: now, modified: now, changed: now } };
  }

  function touch(node: Inode) {
    node.times.modified = node.times.changed = nowNanoseconds();
  }

  const root: DirectoryInode = { kind: 'directory', ...newInode(), entries: new Map(), parent: null };
  return {
    root,
    limitBytes,
    newInode,
    touch,

    /** Takes space, or gives it back when negative. */
    charge(bytes: number) {
      if (usedBytes + bytes > limitBytes) throw new SystemCallError('NOSPC');
      usedBytes += bytes;
    },

    attach(parent: DirectoryInode, name: string, node: Inode) {
      parent.entries.set(name, node);
      touch(parent);
    },

    detach(parent: DirectoryInode, name: string) {
      parent.entries.delete(name);
      touch(parent);
    },
  };
}

function creation({ root, charge, newInode, attach }: Volume) {
  return {
    find: (from: DirectoryInode, path: string): Inode => walk(root, from, path),

    createFile(from: DirectoryInode, path: string): FileInode {
      const { parent, name, wantsDirectory } = locate(root, from, path);
      if (parent.entries.has(name)) throw new SystemCallError('EXIST');
      if (wantsDirectory) throw new SystemCallError('ISDIR');
      charge(inodeBytes);
      const empty = { content: new Uint8Array(0), size: 0, links: 1, handles: 0 };
      const file: FileInode = { kind: 'file', ...newInode(), ...empty };
      attach(parent, name, file);
      return file;
    },

    createDirectory(from: DirectoryInode, path: string): DirectoryInode {
      const { parent, name } = locate(root, from, path);
      if (parent.entries.has(name)) throw new SystemCallError('EXIST');
      charge(inodeBytes);
      const directory: DirectoryInode = { kind: 'directory', ...newInode(), entries: new Map(), parent };
      attach(parent, name, directory);
      return directory;
    },

    /** For our own set-up; programs cannot make devices. */
    addDevice(from: DirectoryInode, path: string, device: Pick<DeviceInode, 'read' | 'write'>): DeviceInode {
      const { parent, name } = locate(root, from, path);
      const node: DeviceInode = { kind: 'device', ...newInode(), ...device };
      attach(parent, name, node);
      return node;
    },
  };
}

function naming(volume: Volume) {
  const { root, charge, attach, detach } = volume;

  function dropLink(node: Inode) {
    if (node.kind === 'directory') charge(-inodeBytes);
    if (node.kind !== 'file') return;
    node.links -= 1;
    freeIfUnused(volume, node);
  }

  return {
    link(from: DirectoryInode, oldPath: string, to: DirectoryInode, newPath: string) {
      const node = walk(root, from, oldPath);
      if (node.kind !== 'file') throw new SystemCallError('PERM');
      const { parent, name } = locate(root, to, newPath);
      if (parent.entries.has(name)) throw new SystemCallError('EXIST');
      attach(parent, name, node);
      node.links += 1;
    },

    unlink(from: DirectoryInode, path: string) {
      const { parent, name, wantsDirectory } = locate(root, from, path);
      const node = existing(parent, name);
      if (node.kind === 'directory') throw new SystemCallError('ISDIR');
      if (wantsDirectory) throw new SystemCallError('NOTDIR');
      detach(parent, name);
      dropLink(node);
    },

    removeDirectory(from: DirectoryInode, path: string) {
      const { parent, name } = locate(root, from, path);
      const node = existing(parent, name);
      if (node.kind !== 'directory') throw new SystemCallError('NOTDIR');
      if (node.entries.size > 0) throw new SystemCallError('NOTEMPTY');
      detach(parent, name);
      dropLink(node);
    },

    rename(from: DirectoryInode, oldPath: string, to: DirectoryInode, newPath: string) {
      const source = locate(root, from, oldPath);
      const target = locate(root, to, newPath);
      const node = existing(source.parent, source.name);
      const replaced = target.parent.entries.get(target.name);
      if (replaced === node) return;
      checkReplacement(node, replaced, target);
      detach(source.parent, source.name);
      attach(target.parent, target.name, node);
      if (node.kind === 'directory') node.parent = target.parent;
      if (replaced !== undefined) dropLink(replaced);
    },
  };
}

function content(volume: Volume) {
  const { limitBytes, charge, touch } = volume;

  function resize(file: FileInode, size: number) {
    charge(size - file.size);
    if (size > file.content.length) file.content = grown(file.content, size, limitBytes);
    else file.content.fill(0, size, file.size);
    file.size = size;
    touch(file);
  }

  return {
    resize,

    read: (file: FileInode, offset: number, maxBytes: number): Uint8Array =>
      file.content.subarray(Math.min(offset, file.size), Math.min(offset + maxBytes, file.size)),

    write(file: FileInode, offset: number, bytes: Uint8Array) {
      const end = offset + bytes.length;
      if (end > file.size) resize(file, end);
      file.content.set(bytes, offset);
      touch(file);
    },

    /** An open file keeps its content after its last name is gone. */
    retain(node: Inode) {
      if (node.kind === 'file') node.handles += 1;
    },

    release(node: Inode) {
      if (node.kind !== 'file') return;
      node.handles -= 1;
      freeIfUnused(volume, node);
    },
  };
}

/** Gives the space back once neither a name nor an open handle is left. */
function freeIfUnused({ charge }: Volume, file: FileInode) {
  if (file.links > 0 || file.handles > 0) return;
  charge(-(file.size + inodeBytes));
  file.content = new Uint8Array(0);
  file.size = 0;
}

/** As open(2) with O_CREAT. */
export function findOrCreate(fileSystem: FileSystem, from: DirectoryInode, path: string): Inode {
  try {
    return fileSystem.find(from, path);
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'NOENT') return fileSystem.createFile(from, path);
    throw error;
  }
}

function existing(parent: DirectoryInode, name: string): Inode {
  const node = parent.entries.get(name);
  if (node === undefined) throw new SystemCallError('NOENT');
  return node;
}

function checkReplacement(
  node: Inode,
  replaced: Inode | undefined,
  target: { parent: DirectoryInode; wantsDirectory: boolean },
) {
  if (node.kind === 'directory') {
    if (isWithin(target.parent, node)) throw new SystemCallError('INVAL');
    if (replaced !== undefined && replaced.kind !== 'directory') throw new SystemCallError('NOTDIR');
    if (replaced?.kind === 'directory' && replaced.entries.size > 0) throw new SystemCallError('NOTEMPTY');
    return;
  }
  if (target.wantsDirectory) throw new SystemCallError('NOTDIR');
  if (replaced?.kind === 'directory') throw new SystemCallError('ISDIR');
}

/** Whether `directory` is `ancestor` or below it: a rename must not cut a loop off the tree. */
function isWithin(directory: DirectoryInode, ancestor: DirectoryInode): boolean {
  for (let at: DirectoryInode | null = directory; at !== null; at = at.parent) {
    if (at === ancestor) return true;
  }
  return false;
}

/** Doubling keeps appending linear; never more than the whole file system may hold. */
function grown(content: Uint8Array, size: number, limitBytes: number): Uint8Array {
  const larger = new Uint8Array(Math.max(size, Math.min(content.length * 2, limitBytes)));
  larger.set(content);
  return larger;
}
