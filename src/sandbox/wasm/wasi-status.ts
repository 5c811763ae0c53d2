import type { Inode } from './inode.ts';
import type { LinearMemory } from './linear-memory.ts';
import { clocks, now } from './wasi-clock.ts';

const fileTypes = { device: 2, directory: 3, file: 4 } as const;
const timeFlags = { accessed: 1, accessedNow: 2, modified: 4, modifiedNow: 8 } as const;

/** `filetype` of preview 1. A device has every right, seeking too, which is what tells it from a terminal. */
export function typeOf(node: Inode): number {
  return fileTypes[node.kind];
}

/** Writes a `filestat` of 64 bytes. */
export function writeFileStatus(memory: LinearMemory, pointer: number, node: Inode) {
  memory.bytes(pointer, 64).fill(0);
  memory.writeU64(pointer + 8, node.id);
  memory.writeU8(pointer + 16, typeOf(node));
  memory.writeU64(pointer + 24, BigInt(node.kind === 'file' ? node.links : 1));
  memory.writeU64(pointer + 32, BigInt(node.kind === 'file' ? node.size : 0));
  memory.writeU64(pointer + 40, node.times.accessed);
  memory.writeU64(pointer + 48, node.times.modified);
  memory.writeU64(pointer + 56, node.times.changed);
}

export function setTimes({ times }: Inode, accessed: bigint, modified: bigint, flags: number) {
  const current = now(clocks.realtime);
  if ((flags & timeFlags.accessed) !== 0) times.accessed = accessed;
  if ((flags & timeFlags.accessedNow) !== 0) times.accessed = current;
  if ((flags & timeFlags.modified) !== 0) times.modified = modified;
  if ((flags & timeFlags.modifiedNow) !== 0) times.modified = current;
  times.changed = current;
}
