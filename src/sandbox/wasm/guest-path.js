// Runs inside QuickJS: node:path for POSIX paths.

export const sep = '/';
export const delimiter = ':';

export const isAbsolute = (path) => path.startsWith('/');

export function normalize(path) {
  const names = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.length > 0 && names.at(-1) !== '..') names.pop();
    else if (!isAbsolute(path)) names.push('..');
  }
  const joined = (isAbsolute(path) ? '/' : '') + names.join('/');
  const tail = path.endsWith('/') && names.length > 0 ? '/' : '';
  return joined + tail || '.';
}

export const join = (...parts) => normalize(parts.filter((part) => part !== '').join('/') || '.');

export function resolve(...parts) {
  const start = parts.findLastIndex(isAbsolute);
  const path = normalize([start < 0 ? '/work' : '', ...parts.slice(Math.max(start, 0))].filter(Boolean).join('/'));
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

export function basename(path, suffix = '') {
  const name = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  return suffix !== '' && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}

export function dirname(path) {
  const trimmed = path.replace(/(?<=.)\/+$/, '');
  const at = trimmed.lastIndexOf('/');
  if (at < 0) return '.';
  return trimmed.slice(0, at).replace(/\/+$/, '') || '/';
}

export function extname(path) {
  const name = basename(path);
  const at = name.lastIndexOf('.');
  return at > 0 ? name.slice(at) : '';
}

export function relative(from, to) {
  const [source, target] = [from, to].map((path) => resolve(path).split('/').filter(Boolean));
  const same = source.findIndex((name, index) => name !== target[index]);
  const shared = same < 0 ? source.length : same;
  return [...source.slice(shared).map(() => '..'), ...target.slice(shared)].join('/');
}

export function parse(path) {
  const base = basename(path);
  const ext = extname(path);
  const root = isAbsolute(path) ? '/' : '';
  return {
    root,
    dir: dirname(path) === '.' ? '' : dirname(path),
    base,
    ext,
    name: base.slice(0, base.length - ext.length),
  };
}

export function format({ root = '', dir = root, base, name = '', ext = '' }) {
  const last = base ?? name + ext;
  if (dir === '') return last;
  return dir === root ? dir + last : `${dir}/${last}`;
}

const path = {
  sep,
  delimiter,
  isAbsolute,
  normalize,
  join,
  resolve,
  basename,
  dirname,
  extname,
  relative,
  parse,
  format,
};
export const posix = path;

export default { ...path, posix };
