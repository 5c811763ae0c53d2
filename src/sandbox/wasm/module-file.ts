import { closeSync, openSync, readSync } from 'node:fs';

const preambleBytes = 8;
/** A section id and the longest LEB128 encoding of its length. */
const headerBytes = 6;
const customSection = 0;

/** Length of a WebAssembly file without the custom sections at its end, which for CPython are half of its 26 MB. */
export function lengthOfCode(path: string): number {
  const descriptor = openSync(path, 'r');
  const header = Buffer.alloc(headerBytes);
  let end = preambleBytes;
  for (let at = preambleBytes; readSync(descriptor, header, 0, headerBytes, at) > 1; ) {
    const { value, size } = leb128(header.subarray(1));
    at += 1 + size + value;
    if (header[0] !== customSection) end = at;
  }
  closeSync(descriptor);
  return end;
}

function leb128(bytes: Uint8Array): { value: number; size: number } {
  let value = 0;
  for (const [index, byte] of bytes.entries()) {
    value += (byte & 0x7f) * 2 ** (index * 7);
    if (byte < 0x80) return { value, size: index + 1 };
  }
  throw new Error('not a WebAssembly file: a section has no length');
}
