// Runs inside QuickJS: node:fs over the sandbox's files in memory. Descriptor 0 and /dev/stdin are the standard input.

import { Buffer } from './guest-buffer.js';
import { host } from './guest-host.js';

const reasons = {
  EEXIST: 'file already exists',
  EISDIR: 'illegal operation on a directory',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
};
const everything = 0x7fff_ffff;

/** Calls the host, and makes of its error code the error that Node would throw. */
function call(operation, syscall, path, ...rest) {
  try {
    return host[operation](pathText(path), ...rest.map((value) => (value instanceof URL ? pathText(value) : value)));
  } catch ({ message: code }) {
    const reason = `${code}: ${reasons[code] ?? 'operation failed'}`;
    // Node opens a directory and fails when it reads it.
    if (code === 'EISDIR' && operation === 'readFile') throw failure(`${reason}, read`, { code, syscall: 'read' });
    throw failure(`${reason}, ${syscall} '${pathText(path)}'`, { code, syscall, path: pathText(path) });
  }
}

const failure = (message, fields) => Object.assign(new Error(message), fields);

function pathText(path) {
  return path instanceof URL ? decodeURIComponent(path.pathname) : String(path);
}

const encodingOf = (options) => (typeof options === 'string' ? options : options?.encoding);

export function readFileSync(path, options) {
  const isInput = path === 0 || path === '/dev/stdin';
  const bytes = Buffer.from(isInput ? host.readInput(everything) : call('readFile', 'open', path));
  const encoding = encodingOf(options);
  return encoding ? bytes.toString(encoding) : bytes;
}

export function writeFileSync(path, data, options) {
  const bytes = typeof data === 'string' ? Buffer.from(data, encodingOf(options) ?? 'utf8') : data;
  if (path === 1 || path === 2) host.write(path, bytes);
  else call('writeFile', 'open', path, bytes, options?.flag ?? 'w');
}

export const writeSync = (descriptor, data) => writeFileSync(descriptor, data) ?? data.length;
export const appendFileSync = (path, data) => writeFileSync(path, data, { flag: 'a' });
export const unlinkSync = (path) => void call('unlink', 'unlink', path);
export const rmdirSync = (path) => void call('removeDirectory', 'rmdir', path);
export const renameSync = (from, to) => void call('rename', 'rename', from, pathText(to));
export const copyFileSync = (from, to) => writeFileSync(to, readFileSync(from));
export const readdirSync = (path, options) =>
  listed(path).map(([name, kind]) => (options?.withFileTypes ? entry(path, name, kind) : name));

const listed = (path) => JSON.parse(call('list', 'scandir', path));

function entry(path, name, kind) {
  return { name, parentPath: pathText(path), ...kindTests(kind) };
}

const kindTests = (kind) => ({
  isFile: () => kind === 'file',
  isDirectory: () => kind === 'directory',
  isSymbolicLink: () => false,
});

export function statSync(path, options) {
  if (options?.throwIfNoEntry === false && !existsSync(path)) return undefined;
  const { kind, size, mtimeMs } = JSON.parse(call('status', 'stat', path));
  return { size, mtimeMs, mtime: new Date(mtimeMs), ...kindTests(kind) };
}

export const lstatSync = statSync;

export function existsSync(path) {
  try {
    host.status(pathText(path));
    return true;
  } catch {
    return false;
  }
}

export function accessSync(path) {
  call('status', 'access', path);
}

export function mkdirSync(path, options) {
  if (!options?.recursive) return void call('createDirectory', 'mkdir', path);
  const names = pathText(path).split('/');
  for (let count = 1; count <= names.length; count++) {
    const parent = names.slice(0, count).join('/');
    if (parent !== '' && !existsSync(parent)) call('createDirectory', 'mkdir', parent);
  }
}

export function mkdtempSync(prefix) {
  const path = prefix + Math.random().toString(36).slice(2, 8);
  mkdirSync(path);
  return path;
}

export function rmSync(path, options) {
  if (options?.force && !existsSync(path)) return;
  if (!statSync(path).isDirectory()) return unlinkSync(path);
  if (!options?.recursive)
    throw Object.assign(new Error(`Path is a directory: rm '${path}'`), { code: 'ERR_FS_EISDIR' });
  for (const name of readdirSync(path)) rmSync(`${pathText(path)}/${name}`, options);
  rmdirSync(path);
}

const synchronous = {
  accessSync,
  appendFileSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
};

/** Every function also as a promise; there is nothing to wait for in memory. */
export const promises = Object.fromEntries(
  Object.entries(synchronous).map(([name, run]) => [name.replace(/Sync$/, ''), async (...args) => run(...args)]),
);

export default { ...synchronous, existsSync, writeSync, promises };
