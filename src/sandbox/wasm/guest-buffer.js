// Runs inside QuickJS: node:buffer, the part that programs use to carry bytes.

import { inspect } from './guest-inspect.js';

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const chunk = 8192;

const latin1 = {
  decode: (bytes) => {
    let text = '';
    for (let at = 0; at < bytes.length; at += chunk) text += String.fromCharCode(...bytes.subarray(at, at + chunk));
    return text;
  },
  encode: (text) => Uint8Array.from(text, (character) => character.charCodeAt(0)),
};
const base64 = {
  decode: (bytes) => btoa(latin1.decode(bytes)),
  encode: (text) =>
    latin1.encode(
      atob(
        text
          .replaceAll('-', '+')
          .replaceAll('_', '/')
          .replace(/[^A-Za-z0-9+/]/g, ''),
      ),
    ),
};
const encodings = {
  utf8: { decode: (bytes) => decoder.decode(bytes), encode: (text) => encoder.encode(text) },
  hex: {
    decode: (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    encode: (text) => Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16)),
  },
  base64,
  base64url: {
    decode: (bytes) => base64.decode(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
    encode: base64.encode,
  },
  latin1,
};

function codec(encoding = 'utf8') {
  const name = String(encoding).toLowerCase();
  const found = encodings[{ 'utf-8': 'utf8', binary: 'latin1', ascii: 'latin1' }[name] ?? name];
  if (found === undefined) throw new TypeError(`Unknown encoding: ${encoding}`);
  return found;
}

export class Buffer extends Uint8Array {
  static from(value, encodingOrOffset, length) {
    if (typeof value === 'string') return Buffer.#view(codec(encodingOrOffset).encode(value));
    if (value instanceof ArrayBuffer) return new Buffer(value, encodingOrOffset, length);
    return Buffer.#view(Uint8Array.from(value));
  }

  static alloc(size, fill = 0) {
    return new Buffer(size).fill(typeof fill === 'string' ? fill.charCodeAt(0) : fill);
  }

  static allocUnsafe(size) {
    return new Buffer(size);
  }

  static concat(list, totalLength = list.reduce((sum, { length }) => sum + length, 0)) {
    const joined = new Buffer(totalLength);
    let at = 0;
    for (const bytes of list) {
      const fitting = bytes.subarray(0, totalLength - at);
      joined.set(fitting, at);
      at += fitting.length;
    }
    return joined;
  }

  static isBuffer(value) {
    return value instanceof Buffer;
  }

  static byteLength(value, encoding) {
    return typeof value === 'string' ? codec(encoding).encode(value).length : value.byteLength;
  }

  static #view({ buffer, byteOffset, length }) {
    return new Buffer(buffer, byteOffset, length);
  }

  toString(encoding, start = 0, end = this.length) {
    return codec(encoding).decode(new Uint8Array(this.buffer, this.byteOffset, this.length).subarray(start, end));
  }

  toJSON() {
    return { type: 'Buffer', data: [...this] };
  }

  equals(other) {
    return this.length === other.length && this.every((byte, index) => byte === other[index]);
  }

  slice(start, end) {
    return this.subarray(start, end);
  }

  [inspect.custom]() {
    const shown = encodings.hex.decode(this.subarray(0, 50)).replace(/..(?!$)/g, '$& ');
    return `<Buffer${shown && ` ${shown}`}${this.length > 50 ? ` ... ${this.length - 50} more bytes` : ''}>`;
  }
}

export default { Buffer };
