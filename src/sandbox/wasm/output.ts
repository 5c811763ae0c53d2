import { writeFully } from './channels.ts';

const tailBytes = 64;

export type Output = ReturnType<typeof cappedOutput>;

/** One of the program's streams: its first bytes go to the parent at once, the rest is only counted. */
export function cappedOutput(descriptor: number, count: (bytes: bigint) => void) {
  let room = 0;
  let tail: Uint8Array = new Uint8Array(0);
  return {
    limit(maxBytes: number) {
      room = maxBytes;
    },

    write(bytes: Uint8Array) {
      count(BigInt(bytes.length));
      tail = Buffer.concat([tail, bytes.subarray(-tailBytes)]).subarray(-tailBytes);
      if (room === 0) return;
      const kept = bytes.subarray(0, room);
      room -= kept.length;
      writeFully(descriptor, kept);
    },

    /** The last bytes, also when they were over the limit. */
    tail: () => Buffer.from(tail).toString(),
  };
}
