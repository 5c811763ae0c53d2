import { readSync, writeSync } from 'node:fs';

/**
 * The child's file descriptors. Node itself may write to 2, so the program's stderr is another one.
 * Files come packed, once the program has ended. The lifeline carries nothing but a stop byte; its end says that the parent is gone.
 */
export const descriptors = { lifeline: 0, stdout: 1, diagnostics: 2, control: 3, stderr: 4, files: 5 } as const;

/** Bytes of the length in front of the program. */
export const lengthBytes = 4;

/** Blocks until all bytes are there; null when the other side is gone. */
export function readExactly(descriptor: number, length: number): Buffer | null {
  const buffer = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const read = readSync(descriptor, buffer, at, length - at, null);
    if (read === 0) return null;
    at += read;
  }
  return buffer;
}

/** Blocks until all bytes are written, which is also what slows a program down to its reader's pace. */
export function writeFully(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}
