// Runs inside QuickJS: node:events, the part that programs use.

export class EventEmitter {
  #listeners = new Map();

  on(name, listener) {
    this.#listeners.set(name, [...this.listeners(name), listener]);
    return this;
  }

  once(name, listener) {
    const wrapped = (...args) => {
      this.off(name, wrapped);
      listener.apply(this, args);
    };
    wrapped.listener = listener;
    return this.on(name, wrapped);
  }

  off(name, listener) {
    const rest = this.listeners(name);
    const index = rest.findLastIndex((candidate) => candidate === listener || candidate.listener === listener);
    if (index >= 0) this.#listeners.set(name, rest.toSpliced(index, 1));
    return this;
  }

  emit(name, ...args) {
    const listeners = this.listeners(name);
    if (listeners.length === 0 && name === 'error') throw args[0];
    for (const listener of listeners) listener.apply(this, args);
    return listeners.length > 0;
  }

  listeners(name) {
    return this.#listeners.get(name) ?? [];
  }

  listenerCount(name) {
    return this.listeners(name).length;
  }

  removeAllListeners(name) {
    if (name === undefined) this.#listeners.clear();
    else this.#listeners.delete(name);
    return this;
  }

  setMaxListeners() {
    return this;
  }
}

EventEmitter.prototype.addListener = EventEmitter.prototype.on;
EventEmitter.prototype.removeListener = EventEmitter.prototype.off;
EventEmitter.EventEmitter = EventEmitter;

export default EventEmitter;
