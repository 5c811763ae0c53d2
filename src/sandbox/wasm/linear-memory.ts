import { SystemCallError } from './errno.ts';

export type LinearMemory = ReturnType<typeof linearMemory>;

/**
 * Reads and writes the memory of an instance. WebAssembly hands its unsigned pointers over as signed numbers;
 * whatever points outside the memory is EFAULT.
 */
export function linearMemory(memory: () => WebAssembly.Memory) {
  let buffer = new ArrayBuffer(0);
  let view = new DataView(buffer);
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** Growing detaches the buffer, so it is looked up on every call. */
  function current(): DataView {
    if (buffer !== memory().buffer) {
      buffer = memory().buffer;
      view = new DataView(buffer);
    }
    return view;
  }

  function bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    current();
    if ((pointer >>> 0) + (length >>> 0) > buffer.byteLength) throw new SystemCallError('FAULT');
    return new Uint8Array(buffer, pointer >>> 0, length >>> 0);
  }

  function scalar<T>(pointer: number, size: number, use: (view: DataView, at: number) => T): T {
    const at = current();
    if ((pointer >>> 0) + size > buffer.byteLength) throw new SystemCallError('FAULT');
    return use(at, pointer >>> 0);
  }

  return {
    bytes,
    readU8: (pointer: number) => scalar(pointer, 1, (at, offset) => at.getUint8(offset)),
    readU16: (pointer: number) => scalar(pointer, 2, (at, offset) => at.getUint16(offset, true)),
    readU32: (pointer: number) => scalar(pointer, 4, (at, offset) => at.getUint32(offset, true)),
    readU64: (pointer: number) => scalar(pointer, 8, (at, offset) => at.getBigUint64(offset, true)),
    writeU8: (pointer: number, value: number) => scalar(pointer, 1, (at, offset) => at.setUint8(offset, value)),
    writeU16: (pointer: number, value: number) => scalar(pointer, 2, (at, offset) => at.setUint16(offset, value, true)),
    writeU32: (pointer: number, value: number) => scalar(pointer, 4, (at, offset) => at.setUint32(offset, value, true)),
    writeU64: (pointer: number, value: bigint) =>
      scalar(pointer, 8, (at, offset) => at.setBigUint64(offset, value, true)),

    readText(pointer: number, length: number): string {
      const raw = bytes(pointer, length);
      try {
        return strict.decode(raw);
      } catch {
        throw new SystemCallError('ILSEQ');
      }
    },

    /** The buffers of a scattered read or a gathered write (`iovec` array). */
    *buffers(pointer: number, count: number): Generator<Uint8Array<ArrayBuffer>> {
      for (let index = 0; index < count >>> 0; index++) {
        const entry = (pointer >>> 0) + index * 8;
        const start = scalar(entry, 4, (at, offset) => at.getUint32(offset, true));
        const length = scalar(entry + 4, 4, (at, offset) => at.getUint32(offset, true));
        yield bytes(start, length);
      }
    },
  };
}
