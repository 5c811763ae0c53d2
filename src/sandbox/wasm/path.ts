import { SystemCallError } from './errno.ts';
import type { DirectoryInode, Inode } from './inode.ts';

const maxPathLength = 4096;
const maxNameBytes = 255;

export interface Location {
  readonly parent: DirectoryInode;
  readonly name: string;
  /** The path ended in a slash. */
  readonly wantsDirectory: boolean;
}

/** Follows a path; it begins at `root` when absolute, else at `from`. `..` of the root is the root. */
export function walk(root: DirectoryInode, from: DirectoryInode, path: string): Inode {
  const { start, names, wantsDirectory } = split(root, from, path);
  const node = descend(start, names);
  if (wantsDirectory && node.kind !== 'directory') throw new SystemCallError('NOTDIR');
  return node;
}

/** Finds the directory that holds, or would hold, the last name of a path. */
export function locate(root: DirectoryInode, from: DirectoryInode, path: string): Location {
  const { start, names, wantsDirectory } = split(root, from, path);
  const name = names.pop();
  if (name === undefined) throw new SystemCallError('BUSY');
  if (name === '..') throw new SystemCallError('INVAL');
  const parent = descend(start, names);
  if (parent.kind !== 'directory') throw new SystemCallError('NOTDIR');
  return { parent, name, wantsDirectory };
}

function split(root: DirectoryInode, from: DirectoryInode, path: string) {
  if (path === '') throw new SystemCallError('NOENT');
  if (path.includes('\0')) throw new SystemCallError('INVAL');
  if (path.length > maxPathLength) throw new SystemCallError('NAMETOOLONG');
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.some((name) => Buffer.byteLength(name) > maxNameBytes)) throw new SystemCallError('NAMETOOLONG');
  return { start: path.startsWith('/') ? root : from, names, wantsDirectory: /\/\.?$/.test(path) };
}

function descend(start: DirectoryInode, names: readonly string[]): Inode {
  let node: Inode = start;
  for (const name of names) {
    if (node.kind !== 'directory') throw new SystemCallError('NOTDIR');
    const next: Inode | undefined = name === '..' ? (node.parent ?? node) : node.entries.get(name);
    if (next === undefined) throw new SystemCallError('NOENT');
    node = next;
  }
  return node;
}
