// Runs inside QuickJS before the program: makes the globals and hands the host what it drives a program with.

import buffer from './guest-buffer.js';
import { console } from './guest-console.js';
import events from './guest-events.js';
import files from './guest-files.js';
import { host } from './guest-host.js';
import { inspect } from './guest-inspect.js';
import path from './guest-path.js';
import process from './guest-process.js';
import readline from './guest-readline.js';
import timers, { tick } from './guest-timers.js';
import util from './guest-util.js';

/** The engine's own takes no plain object. */
const SearchParams = new Proxy(URLSearchParams, {
  construct(target, [init], newTarget) {
    const isRecord = typeof init === 'object' && init !== null && !(Symbol.iterator in init);
    const made = Reflect.construct(target, isRecord || init === undefined ? [] : [init], newTarget);
    if (isRecord) for (const [name, value] of Object.entries(init)) made.append(name, value);
    return made;
  },
});

const os = {
  EOL: '\n',
  platform: () => 'linux',
  tmpdir: () => '/tmp',
  homedir: () => '/work',
  hostname: () => 'sandbox',
};
const url = {
  URL,
  URLSearchParams: SearchParams,
  fileURLToPath: (file) => decodeURIComponent(new URL(file).pathname),
  pathToFileURL: (file) => new URL(`file://${path.resolve(file)}`),
};
/** By name without `node:`, for `require` and for the sources that the host makes for `import`. */
export const modules = new Map(
  Object.entries({
    buffer,
    events,
    fs: files,
    'fs/promises': files.promises,
    os,
    path,
    'path/posix': path,
    perf_hooks: { performance },
    process,
    readline,
    'readline/promises': readline.promises,
    timers,
    'timers/promises': timers.promises,
    url,
    util,
  }),
);

function require(specifier) {
  const found = modules.get(String(specifier).replace(/^node:/, ''));
  if (found !== undefined) return found;
  const message = `Cannot find module '${specifier}': this sandbox has ${[...modules.keys()].join(', ')}`;
  throw Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' });
}

/** As V8 writes it: the error first, then the program's own frames. */
Error.prepareStackTrace = (error, frames) => {
  const lines = frames.flatMap((frame) => {
    const file = frame.getFileName();
    if (frame.isNative() || !file || file.startsWith('guest-')) return [];
    const place = `${file}:${frame.getLineNumber()}:${frame.getColumnNumber()}`;
    const name = frame.getFunctionName();
    return [name && name !== '<eval>' ? `    at ${name} (${place})` : `    at ${place}`];
  });
  return [String(error), ...lines].join('\n');
};

const main = { exports: {}, id: '.', filename: '/work/main.js' };
const hidden = (value) => ({ value, writable: true, configurable: true, enumerable: false });
const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = timers;
const globals = {
  ...{ setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate },
  Buffer: buffer.Buffer,
  URLSearchParams: SearchParams,
  console,
  process,
  require: Object.assign(require, { main }),
  module: main,
  exports: main.exports,
  __filename: main.filename,
  __dirname: '/work',
  global: globalThis,
  crypto: {
    getRandomValues: (array) => {
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(host.random(array.byteLength));
      return array;
    },
    randomUUID: () => host.randomUuid(),
  },
};
for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, hidden(value));

/** What the host does next: go on (a listener took it), end, or end because memory ran out. */
function uncaught(error, kind) {
  if (error instanceof InternalError && error.message === 'out of memory') {
    host.write(2, `${error.stack}\n`);
    return 'outOfMemory';
  }
  const listeners = process.listeners(kind);
  if (listeners.length > 0) {
    process.emit(kind, error, kind);
    return 'goOn';
  }
  host.write(2, `${error instanceof Error ? inspect(error) : `Uncaught ${inspect(error)}`}\n`);
  return 'end';
}

host.drive({
  moduleNames: JSON.stringify(Object.fromEntries([...modules].map(([name, module]) => [name, Object.keys(module)]))),
  begin(json) {
    const { args, env } = JSON.parse(json);
    process.argv.push('/work/main.js', ...args);
    Object.assign(process.env, env);
  },
  tick,
  uncaught,
  end: () => process.exit(),
});
