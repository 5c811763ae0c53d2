import type { Parts } from '../store.ts';
import { maxDocumentBytes, maxInlineBytes, pieceBytes } from './layout.ts';

/** Where the bytes of a part are: in the pieces named, or in the document itself when it names none. */
export interface Place {
  readonly size: number;
  readonly pieces: readonly string[];
}

/** The parts of a document. */
export type Places = Readonly<Record<string, Place>>;

export interface Piece {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** What a write of parts comes to. */
export interface PartsPlan {
  readonly places: Places;
  readonly inline: Parts;
  readonly pieces: readonly Piece[];
  /** Ids of pieces that nothing names any more. */
  readonly obsolete: readonly string[];
}

/** Decides where each part goes; `places` are those of the document as it is, `itemBytes` what its item will take. */
export function planParts(parts: Parts, places: Places, itemBytes: number, newId: () => string): PartsPlan {
  const kept = Object.entries(places).filter(([name]) => !Object.hasOwn(parts, name));
  let used = itemBytes + kept.reduce((sum, [, { size, pieces }]) => sum + (pieces.length === 0 ? size : 0), 0);
  const inline = new Map<string, Uint8Array>();
  const split = new Map<string, readonly Piece[]>();
  for (const [name, bytes] of Object.entries(parts)) {
    if (bytes.length <= maxInlineBytes && used + bytes.length <= maxDocumentBytes) {
      inline.set(name, bytes);
      used += bytes.length;
    } else {
      split.set(name, piecesOf(bytes, newId));
    }
  }
  const place = ([name, { length }]: [string, Uint8Array]): [string, Place] => [
    name,
    { size: length, pieces: (split.get(name) ?? []).map(({ id }) => id) },
  ];
  return {
    places: Object.fromEntries(Object.entries(parts).map(place)),
    inline: Object.fromEntries(inline),
    pieces: [...split.values()].flat(),
    obsolete: Object.entries(places).flatMap(([name, { pieces }]) => (Object.hasOwn(parts, name) ? pieces : [])),
  };
}

function piecesOf(bytes: Uint8Array, newId: () => string): readonly Piece[] {
  const count = Math.max(1, Math.ceil(bytes.length / pieceBytes));
  return Array.from({ length: count }, (_, index) => ({
    id: newId(),
    bytes: bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  }));
}

/** Lays pieces that must not go in one commit together into several, none above `maxBytes` unless one piece is. */
export function batched(pieces: readonly Piece[], maxBytes: number): readonly (readonly Piece[])[] {
  const batches: Piece[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const piece of pieces) {
    if (size + piece.bytes.length > maxBytes) {
      batches.push([]);
      size = 0;
    }
    batches.at(-1)?.push(piece);
    size += piece.bytes.length;
  }
  return batches;
}
