import { SystemCallError } from './errno.ts';
import type { Inode } from './inode.ts';
import type { OpenFile } from './open-files.ts';
import type { WasiHost } from './wasi.ts';
import { setTimes, typeOf, writeFileStatus } from './wasi-status.ts';

const rootDescriptor = 3;
const rootName = '/';
const allRights = 0x1fff_ffffn;
const rights = { read: 1n << 1n, write: 1n << 6n } as const;
const appendFlag = 1;
const whence = { set: 0, current: 1, end: 2 } as const;
const entryHeaderSize = 24;

/** The calls on a file descriptor. */
export function descriptorCalls(host: WasiHost) {
  return { ...statusCalls(host), ...transferCalls(host), ...positionCalls(host), ...directoryCalls(host) };
}

function statusCalls({ memory, fileSystem, files }: WasiHost) {
  const exists = (descriptor: number) => {
    files.get(descriptor);
  };
  return {
    fd_close: (descriptor: number) => files.close(descriptor),
    fd_advise: exists,
    fd_sync: exists,
    fd_datasync: exists,

    fd_fdstat_get(descriptor: number, pointer: number) {
      const { node, readable, writable, append } = files.get(descriptor);
      const denied = (readable ? 0n : rights.read) | (writable ? 0n : rights.write);
      memory.bytes(pointer, 24).fill(0);
      memory.writeU8(pointer, typeOf(node));
      memory.writeU16(pointer + 2, append ? appendFlag : 0);
      memory.writeU64(pointer + 8, allRights & ~denied);
      memory.writeU64(pointer + 16, allRights);
    },

    fd_fdstat_set_flags(descriptor: number, flags: number) {
      files.get(descriptor).append = (flags & appendFlag) !== 0;
    },

    fd_filestat_get: (descriptor: number, pointer: number) =>
      writeFileStatus(memory, pointer, files.get(descriptor).node),

    fd_filestat_set_size(descriptor: number, size: bigint) {
      fileSystem.resize(regularFile(files.writable(descriptor)), toSafeOffset(size));
    },

    fd_filestat_set_times: (descriptor: number, accessed: bigint, modified: bigint, flags: number) =>
      setTimes(files.get(descriptor).node, accessed, modified, flags),

    fd_allocate(descriptor: number, offset: bigint, length: bigint) {
      const file = regularFile(files.writable(descriptor));
      const end = toSafeOffset(offset + length);
      if (end > file.size) fileSystem.resize(file, end);
    },
  };
}

function transferCalls({ memory, fileSystem, files }: WasiHost) {
  function readInto(buffers: Iterable<Uint8Array>, node: Inode, from: number): number {
    let total = 0;
    for (const buffer of buffers) {
      const bytes = readChunk(node, from + total, buffer.length);
      buffer.set(bytes);
      total += bytes.length;
      if (bytes.length < buffer.length) break;
    }
    return total;
  }

  function readChunk(node: Inode, offset: number, length: number): Uint8Array {
    return node.kind === 'device' ? node.read(length) : fileSystem.read(regularFile({ node }), offset, length);
  }

  function writeFrom(buffers: Iterable<Uint8Array>, node: Inode, from: number): number {
    let total = 0;
    for (const buffer of buffers) {
      if (node.kind === 'device') node.write(buffer);
      else if (buffer.length > 0) fileSystem.write(regularFile({ node }), from + total, buffer);
      total += buffer.length;
    }
    return total;
  }

  return {
    fd_read(descriptor: number, buffers: number, count: number, resultPointer: number) {
      const file = files.readable(descriptor);
      const read = readInto(memory.buffers(buffers, count), file.node, file.position);
      file.position += read;
      memory.writeU32(resultPointer, read);
    },

    fd_pread(descriptor: number, buffers: number, count: number, offset: bigint, resultPointer: number) {
      const node = regularFile(files.readable(descriptor));
      memory.writeU32(resultPointer, readInto(memory.buffers(buffers, count), node, toSafeOffset(offset)));
    },

    fd_write(descriptor: number, buffers: number, count: number, resultPointer: number) {
      const file = files.writable(descriptor);
      if (file.append && file.node.kind === 'file') file.position = file.node.size;
      const written = writeFrom(memory.buffers(buffers, count), file.node, file.position);
      file.position += written;
      memory.writeU32(resultPointer, written);
    },

    fd_pwrite(descriptor: number, buffers: number, count: number, offset: bigint, resultPointer: number) {
      const node = regularFile(files.writable(descriptor));
      memory.writeU32(resultPointer, writeFrom(memory.buffers(buffers, count), node, toSafeOffset(offset)));
    },
  };
}

function positionCalls({ memory, files }: WasiHost) {
  return {
    fd_seek(descriptor: number, offset: bigint, origin: number, resultPointer: number) {
      const file = files.get(descriptor);
      const node = regularFile(file);
      const base = { [whence.set]: 0, [whence.current]: file.position, [whence.end]: node.size }[origin];
      if (base === undefined) throw new SystemCallError('INVAL');
      file.position = toSafeOffset(BigInt(base) + offset);
      memory.writeU64(resultPointer, BigInt(file.position));
    },

    fd_tell(descriptor: number, resultPointer: number) {
      const file = files.get(descriptor);
      regularFile(file);
      memory.writeU64(resultPointer, BigInt(file.position));
    },
  };
}

function directoryCalls({ memory, files }: WasiHost) {
  function rootOnly(descriptor: number) {
    if (descriptor !== rootDescriptor) throw new SystemCallError('BADF');
    files.directory(descriptor);
  }

  return {
    fd_prestat_get(descriptor: number, pointer: number) {
      rootOnly(descriptor);
      memory.writeU32(pointer, 0);
      memory.writeU32(pointer + 4, rootName.length);
    },

    fd_prestat_dir_name(descriptor: number, pointer: number, length: number) {
      rootOnly(descriptor);
      memory.bytes(pointer, Math.min(length, rootName.length)).set(Buffer.from(rootName));
    },

    fd_readdir(descriptor: number, pointer: number, length: number, cookie: bigint, resultPointer: number) {
      const directory = files.directory(descriptor);
      const file = files.get(descriptor);
      if (cookie === 0n) {
        file.listing = [['.', directory], ['..', directory.parent ?? directory], ...directory.entries];
      }
      const target = memory.bytes(pointer, length);
      let used = 0;
      for (let next = toSafeOffset(cookie); next < file.listing.length && used < target.length; next++) {
        const entry = directoryEntry(file.listing[next], next + 1);
        target.set(entry.subarray(0, target.length - used), used);
        used += Math.min(entry.length, target.length - used);
      }
      memory.writeU32(resultPointer, used);
    },
  };
}

/** One `dirent` and its name; a reader that gets a part asks again from the cookie before. */
function directoryEntry(listed: OpenFile['listing'][number] | undefined, nextCookie: number): Buffer {
  if (listed === undefined) return Buffer.alloc(0);
  const [name, node] = listed;
  const nameBytes = Buffer.from(name);
  const header = Buffer.alloc(entryHeaderSize);
  header.writeBigUInt64LE(BigInt(nextCookie), 0);
  header.writeBigUInt64LE(node.id, 8);
  header.writeUInt32LE(nameBytes.length, 16);
  header.writeUInt8(typeOf(node), 20);
  return Buffer.concat([header, nameBytes]);
}

function regularFile({ node }: Pick<OpenFile, 'node'>) {
  if (node.kind === 'file') return node;
  throw new SystemCallError(node.kind === 'directory' ? 'ISDIR' : 'SPIPE');
}

/** Offsets are 64 bits wide; what a number cannot hold exactly is far beyond every file here. */
function toSafeOffset(offset: bigint): number {
  if (offset < 0n) throw new SystemCallError('INVAL');
  if (offset > BigInt(Number.MAX_SAFE_INTEGER) / 2n) throw new SystemCallError('FBIG');
  return Number(offset);
}
