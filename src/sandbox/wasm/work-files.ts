import { type FileEntry, unpackFiles } from '../../execution/files.ts';
import { SystemCallError } from './errno.ts';
import type { FileSystem } from './file-system.ts';
import type { DirectoryInode } from './inode.ts';

/** Puts packed files below a directory; a path that is taken already stays as it is. */
export function placeFiles(fileSystem: FileSystem, directory: DirectoryInode, packed: Uint8Array): void {
  for (const { path, bytes } of unpackFiles(packed)) {
    const names = path.split('/');
    for (let depth = 1; depth < names.length; depth++) {
      makeDirectory(fileSystem, directory, names.slice(0, depth).join('/'));
    }
    fileSystem.write(fileSystem.createFile(directory, path), 0, bytes);
  }
}

function makeDirectory(fileSystem: FileSystem, from: DirectoryInode, path: string): void {
  try {
    fileSystem.createDirectory(from, path);
  } catch (error) {
    if (!(error instanceof SystemCallError && error.code === 'EXIST')) throw error;
  }
}

/** Every file below a directory; the bytes are views. */
export function filesBelow(top: DirectoryInode): readonly FileEntry[] {
  const files: FileEntry[] = [];
  // Not recursive: a program may nest directories deeper than our stack.
  const due: { readonly directory: DirectoryInode; readonly prefix: string }[] = [{ directory: top, prefix: '' }];
  for (const { directory, prefix } of due) {
    for (const [name, node] of directory.entries) {
      if (node.kind === 'file') files.push({ path: prefix + name, bytes: node.content.subarray(0, node.size) });
      // Deeper than any path may be; what is below could not be named.
      if (node.kind === 'directory' && prefix.length < maxPathLength) {
        due.push({ directory: node, prefix: `${prefix}${name}/` });
      }
    }
  }
  return files;
}

const maxPathLength = 1024;
