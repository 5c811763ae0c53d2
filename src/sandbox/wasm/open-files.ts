import { SystemCallError } from './errno.ts';
import type { FileSystem } from './file-system.ts';
import type { Inode } from './inode.ts';

const maxOpenFiles = 1024;

export interface OpenFile {
  readonly node: Inode;
  readonly readable: boolean;
  readonly writable: boolean;
  append: boolean;
  position: number;
  /** What a listing in progress shows, so that deleting while listing skips nothing. */
  listing: readonly (readonly [name: string, node: Inode])[];
}

export type OpenFiles = ReturnType<typeof openFiles>;

/** The table of file descriptors: 0, 1 and 2 are the standard streams, 3 is the root directory. */
export function openFiles(fileSystem: FileSystem) {
  const table: (OpenFile | undefined)[] = [];

  function open(node: Inode, access: { readable: boolean; writable: boolean; append: boolean }): number {
    const free = table.indexOf(undefined);
    const descriptor = free === -1 ? table.length : free;
    if (descriptor >= maxOpenFiles) throw new SystemCallError('MFILE');
    fileSystem.retain(node);
    table[descriptor] = { node, ...access, position: 0, listing: [] };
    return descriptor;
  }

  function get(descriptor: number): OpenFile {
    const file = table[descriptor];
    if (file === undefined) throw new SystemCallError('BADF');
    return file;
  }

  return {
    open,
    get,

    close(descriptor: number) {
      const { node } = get(descriptor);
      table[descriptor] = undefined;
      fileSystem.release(node);
    },

    directory(descriptor: number) {
      const { node } = get(descriptor);
      if (node.kind !== 'directory') throw new SystemCallError('NOTDIR');
      return node;
    },

    /** Fails as read(2) does on what is no readable file. */
    readable(descriptor: number): OpenFile {
      const file = get(descriptor);
      if (file.node.kind === 'directory') throw new SystemCallError('ISDIR');
      if (!file.readable) throw new SystemCallError('BADF');
      return file;
    },

    writable(descriptor: number): OpenFile {
      const file = get(descriptor);
      if (file.node.kind === 'directory' || !file.writable) throw new SystemCallError('BADF');
      return file;
    },
  };
}
