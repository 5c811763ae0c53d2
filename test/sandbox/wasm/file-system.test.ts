import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SystemCallError } from '../../../src/sandbox/wasm/errno.ts';
import { type FileSystem, memoryFileSystem } from '../../../src/sandbox/wasm/file-system.ts';
import type { FileInode } from '../../../src/sandbox/wasm/inode.ts';

const newFiles = (limitBytes = 1 << 20) => memoryFileSystem(limitBytes, () => 0n);

/** The same operations on the file system of this machine and on ours; each returns what it saw, or its error code. */
interface Tree {
  write(path: string, text: string): unknown;
  truncate(path: string, size: number): unknown;
  read(path: string): unknown;
  list(path: string): unknown;
  makeDirectory(path: string): unknown;
  removeDirectory(path: string): unknown;
  unlink(path: string): unknown;
  rename(from: string, to: string): unknown;
  link(from: string, to: string): unknown;
  links(path: string): unknown;
}

function realTree(): Tree & { readonly directory: string } {
  const directory = mkdtempSync(join(tmpdir(), 'tree-'));
  const at = (path: string) => `${directory}/${path}`;
  return {
    directory,
    write: (path, text) => writeFileSync(at(path), text),
    truncate: (path, size) => truncateSync(at(path), size),
    read: (path) => readFileSync(at(path), 'latin1'),
    list: (path) => readdirSync(at(path)).sort(),
    makeDirectory: (path) => mkdirSync(at(path)),
    removeDirectory: (path) => rmdirSync(at(path)),
    unlink: (path) => unlinkSync(at(path)),
    rename: (from, to) => renameSync(at(from), at(to)),
    link: (from, to) => linkSync(at(from), at(to)),
    links: (path) => (statSync(at(path)).isFile() ? statSync(at(path)).nlink : 'directory'),
  };
}

function memoryTree(files: FileSystem): Tree {
  const { root } = files;
  const file = (path: string): FileInode => {
    const node = files.find(root, path);
    if (node.kind !== 'file') throw new SystemCallError('ISDIR');
    return node;
  };
  const directory = (path: string) => {
    const node = files.find(root, path);
    if (node.kind !== 'directory') throw new SystemCallError('NOTDIR');
    return node;
  };
  return {
    write(path, text) {
      let target: FileInode;
      try {
        target = file(path);
      } catch (error) {
        if (!(error instanceof SystemCallError) || error.code !== 'NOENT') throw error;
        target = files.createFile(root, path);
      }
      files.resize(target, 0);
      files.write(target, 0, Buffer.from(text, 'latin1'));
    },
    truncate: (path, size) => files.resize(file(path), size),
    read: (path) => Buffer.from(files.read(file(path), 0, 1e6)).toString('latin1'),
    list: (path) => [...directory(path).entries.keys()].sort(),
    makeDirectory: (path) => void files.createDirectory(root, path),
    removeDirectory: (path) => files.removeDirectory(root, path),
    unlink: (path) => files.unlink(root, path),
    rename: (from, to) => files.rename(root, from, root, to),
    link: (from, to) => files.link(root, from, root, to),
    links: (path) => {
      const node = files.find(root, path);
      return node.kind === 'file' ? node.links : 'directory';
    },
  };
}

function outcome(step: () => unknown): unknown {
  try {
    return step() ?? 'done';
  } catch (error) {
    return `error ${error instanceof Error && 'code' in error ? String(error.code).replace(/^E/, '') : error}`;
  }
}

const path = fc.constantFrom('a', 'b', 'a/b', 'a/c', 'a/b/c', 'd/e', 'd', 'a/../b', './a', 'a//b', 'a/b/..');
const step = fc.oneof(
  fc.tuple(fc.constant('write'), path, fc.string({ unit: 'binary-ascii', maxLength: 9 })),
  fc.tuple(fc.constant('truncate'), path, fc.integer({ min: 0, max: 20 })),
  fc.tuple(
    fc.constantFrom('read', 'list', 'links', 'makeDirectory', 'makeDirectory', 'removeDirectory', 'unlink'),
    path,
  ),
  fc.tuple(fc.constantFrom('rename', 'link'), path, path),
);

function apply(tree: Tree, [name, first, second]: readonly [string, string, (string | number)?]): unknown {
  const text = String(second);
  switch (name) {
    case 'write':
    case 'rename':
    case 'link':
      return tree[name](first, text);
    case 'truncate':
      return tree.truncate(first, Number(second));
    case 'read':
    case 'list':
    case 'links':
    case 'makeDirectory':
    case 'removeDirectory':
    case 'unlink':
      return tree[name](first);
    default:
      throw new Error(`no operation ${name}`);
  }
}

/** Where POSIX leaves the choice of the error open, or Linux differs from it. */
const sameKind = (seen: unknown) => (String(seen).startsWith('error ') ? 'error' : seen);

describe('files in memory', () => {
  test('do what the files of this machine do, over random operations', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const real = realTree();
        const memory = memoryTree(newFiles());
        try {
          for (const one of steps) {
            const [there, here] = [real, memory].map((tree) => outcome(() => apply(tree, one)));
            expect(sameKind(here), JSON.stringify(one)).toEqual(sameKind(there));
          }
        } finally {
          rmSync(real.directory, { recursive: true });
        }
      }),
      { numRuns: 200 },
    );
  });

  test('give their space back when the last name and the last handle are gone, and not before', () => {
    const files = newFiles(100_000);
    const half = Buffer.alloc(60_000);
    const file = files.createFile(files.root, 'a');
    files.write(file, 0, half);
    files.link(files.root, 'a', files.root, 'b');
    files.retain(file);
    files.unlink(files.root, 'a');
    files.unlink(files.root, 'b');
    const second = files.createFile(files.root, 'c');
    expect(() => files.write(second, 0, half)).toThrow('ENOSPC');
    expect(files.read(file, 0, 10)).toHaveLength(10);
    files.release(file);
    files.write(second, 0, half);
    files.rename(files.root, 'c', files.root, 'd');
    files.createDirectory(files.root, 'e');
    files.removeDirectory(files.root, 'e');
    files.unlink(files.root, 'd');
    files.write(files.createFile(files.root, 'f'), 90_000, Buffer.alloc(1));
  });

  test('never show old content when they grow again', () => {
    const files = newFiles();
    const file = files.createFile(files.root, 'a');
    files.write(file, 0, Buffer.from('secret'));
    files.resize(file, 1);
    files.write(file, 4, Buffer.from('x'));
    expect(Buffer.from(files.read(file, 0, 9)).toString()).toBe('s\0\0\0x');
  });
});
