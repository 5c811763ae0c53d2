// Runs inside QuickJS: process, with the three streams.

import { Buffer } from './guest-buffer.js';
import { EventEmitter } from './guest-events.js';
import { host } from './guest-host.js';

const everything = 0x7fff_ffff;

class Output extends EventEmitter {
  constructor(fd) {
    super();
    Object.assign(this, { fd, isTTY: false, writable: true, columns: undefined });
  }

  write(data, encodingOrCallback, callback = encodingOrCallback) {
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new TypeError('The "chunk" argument must be of type string or an instance of Buffer or Uint8Array');
    }
    host.write(this.fd, data);
    if (typeof callback === 'function') queueMicrotask(() => callback());
    return true;
  }

  end(data, ...rest) {
    if (data !== undefined && typeof data !== 'function') this.write(data, ...rest);
    return this;
  }
}

class Input extends EventEmitter {
  #encoding;
  #flowing = false;

  fd = 0;
  isTTY = false;

  setEncoding(encoding = 'utf8') {
    this.#encoding = encoding;
    return this;
  }

  /** All that is left, or null. */
  read() {
    const bytes = Buffer.from(host.readInput(everything));
    if (bytes.length === 0) return null;
    return this.#encoding === undefined ? bytes : bytes.toString(this.#encoding);
  }

  on(name, listener) {
    super.on(name, listener);
    if (['data', 'end', 'readable'].includes(name)) this.resume();
    return this;
  }

  resume() {
    if (!this.#flowing) queueMicrotask(() => this.#flow());
    this.#flowing = true;
    return this;
  }

  pause() {
    return this;
  }

  #flow() {
    this.emit('readable');
    const data = this.read();
    if (data !== null) this.emit('data', data);
    this.emit('end');
    this.emit('close');
  }

  async *[Symbol.asyncIterator]() {
    const data = this.read();
    if (data !== null) yield data;
  }
}

const now = () => BigInt(Math.round(performance.now() * 1e6));

/** Functions are fields, so that a module may import each by its name. */
class Process extends EventEmitter {
  argv = ['/usr/local/bin/node'];
  argv0 = 'node';
  execArgv = [];
  env = {};
  exitCode = undefined;
  title = 'node';
  pid = 1;
  platform = 'linux';
  arch = 'wasm32';
  version = 'v24.0.0';
  versions = { node: '24.0.0' };
  stdin = new Input();
  stdout = new Output(1);
  stderr = new Output(2);

  exit = (code = this.exitCode ?? 0) => {
    this.exitCode = code;
    this.emit('exit', Number(code));
    host.exit(Number(this.exitCode));
  };

  cwd = () => '/work';

  uptime = () => performance.now() / 1000;

  hrtime = Object.assign(
    ([seconds, nanoseconds] = [0, 0]) => {
      const elapsed = now() - BigInt(seconds) * 1_000_000_000n - BigInt(nanoseconds);
      return [Number(elapsed / 1_000_000_000n), Number(elapsed % 1_000_000_000n)];
    },
    { bigint: now },
  );

  nextTick = (callback, ...args) => queueMicrotask(() => callback(...args));

  emitWarning = (warning) => host.write(2, `(node:1) ${warning}\n`);

  get [Symbol.toStringTag]() {
    return 'process';
  }
}

export const process = new Process();

export default process;
