/**
 * How a document lies in Firestore:
 *
 *     <collection>/<id>
 *       order     number      what queries sort by
 *       by        map         what queries compare
 *       item      text        the document as JSON, or bytes when it is large (see text.ts)
 *       parts     map         of each part its size, and the documents that hold it when it is not inline
 *       inline    map         the bytes of small parts
 *       mark      text        which write was the last: one whose answer got lost knows itself again by it
 *     <collection>/<id>         what an item left when it was removed; no query finds it, since it has no order
 *       bodyHash  text
 *       expiresAt timestamp
 *     <collection>/<id>/parts/<random>
 *       bytes     bytes       a piece of a large part
 *       expiresAt timestamp   only until the document names it
 *
 * The item is text since Firestore's maps refuse names that JSON may have (`__x__`, and the empty one) and lists within
 * lists; numbers, nulls and every character come back as they were.
 */
export const layout = {
  order: 'order',
  by: 'by',
  item: 'item',
  parts: 'parts',
  inline: 'inline',
  mark: 'mark',
  bodyHash: 'bodyHash',
  bytes: 'bytes',
  expiresAt: 'expiresAt',
  /** The sub-collection of pieces. */
  pieces: 'parts',
} as const;

/** Firestore's limit is 1 MiB for a document with its names; this leaves room for an item that grows. */
export const maxDocumentBytes = 900 * 1024;

/** Parts up to this size lie in the document itself, so that a small execution is one write. */
export const maxInlineBytes = 200 * 1024;

/** Bytes in one piece of a large part. */
export const pieceBytes = 900 * 1024;

/** What one commit carries; more is written beforehand. The service takes 10 MiB, the emulator 4. */
export const maxCommitBytes = 3 * 1024 * 1024;

/**
 * Any text as the id of a document or the name of a field: what Firestore refuses or reserves there is written as
 * %XX (https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields).
 */
export function segment(text: string): string {
  if (text === '') return '%';
  const escaped = text.replaceAll(/[^\w.~-]/gu, percent);
  return /^(\.\.?|__.*__)$/.test(escaped) ? `${percent(escaped.charAt(0))}${escaped.slice(1)}` : escaped;
}

function percent(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}
