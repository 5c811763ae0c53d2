// Runs inside QuickJS: node:readline, for reading an input line by line.

import { EventEmitter } from './guest-events.js';

class Interface extends EventEmitter {
  #lines;
  #isClosed = false;
  #isIterated = false;

  constructor(input) {
    super();
    const text = String(input.setEncoding('utf8').read() ?? '');
    this.#lines = text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
    queueMicrotask(() => this.#flow());
  }

  #flow() {
    if (this.#isIterated || this.listenerCount('line') === 0) return;
    while (this.#lines.length > 0 && !this.#isClosed) this.emit('line', this.#lines.shift());
    this.close();
  }

  question(query, optionsOrCallback, callback = optionsOrCallback) {
    this.#isIterated = true;
    globalThis.process.stdout.write(query);
    const line = this.#lines.shift();
    if (line === undefined) this.close();
    else queueMicrotask(() => callback(line));
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.emit('close');
  }

  async *[Symbol.asyncIterator]() {
    this.#isIterated = true;
    while (this.#lines.length > 0 && !this.#isClosed) yield this.#lines.shift();
    this.close();
  }
}

export const createInterface = (inputOrOptions) => new Interface(inputOrOptions.input ?? inputOrOptions);

export const promises = {
  createInterface(options) {
    const readline = createInterface(options);
    const ask = readline.question.bind(readline);
    readline.question = (query) => new Promise((resolve) => ask(query, resolve));
    return readline;
  },
};

export default { createInterface, promises };
