import { type DocumentReference, FieldPath, FieldValue, Timestamp, type WriteBatch } from '@google-cloud/firestore';
import { dayMs, retention } from '../../execution/limits.ts';
import type { Document } from '../document.ts';
import type { Parts, Tombstone } from '../store.ts';
import { type Grave, type Head, pieceAt } from './documents.ts';
import { layout, maxCommitBytes, segment } from './layout.ts';
import { batched, type PartsPlan, type Piece, type Places, planParts } from './parts.ts';
import { sizeOf, toField } from './text.ts';
import { answered, isConflict } from './unavailable.ts';

/** A document to be written, with those of its parts that change. */
export interface Write {
  readonly document: Document<unknown>;
  readonly parts: Parts;
  /** Different for every call of the store. */
  readonly mark: string;
}

/** Writes a document that must not be there yet; false when it is. */
export async function createDocument(reference: DocumentReference, write: Write): Promise<boolean> {
  const { head, plan, staged } = await prepare(reference, write, {});
  const document = { ...head, [layout.parts]: plan.places, [layout.inline]: plan.inline };
  const batch = reference.firestore.batch().create(reference, document);
  return commit(reference, withPieces(batch, reference, plan, staged));
}

/** Writes over the version that was read; false when it is another by now. */
export async function replaceDocument(reference: DocumentReference, write: Write, before: Head): Promise<boolean> {
  const { head, plan, staged } = await prepare(reference, write, before.places);
  const { mark, ...others } = head;
  const fields = Object.entries(others).flat();
  const parts = Object.entries(plan.places).flatMap(([name, place]) => [
    ...[new FieldPath(layout.parts, name), place],
    ...[new FieldPath(layout.inline, name), plan.inline[name] ?? FieldValue.delete()],
  ]);
  const presuming = { lastUpdateTime: before.version };
  const batch = reference.firestore.batch().update(reference, layout.mark, mark, ...fields, ...parts, presuming);
  return commit(reference, withPieces(batch, reference, plan, staged));
}

/**
 * Removes the version that was read, with its pieces, and leaves the tombstone as the document of that id; false when it
 * is another by now.
 */
export async function removeDocument(
  reference: DocumentReference,
  { places, version }: Head,
  leaving: Tombstone | undefined,
): Promise<boolean> {
  const batch = reference.firestore.batch();
  const presuming = { lastUpdateTime: version };
  if (leaving === undefined) batch.delete(reference, presuming);
  else batch.update(reference, buried(leaving), presuming);
  for (const id of Object.values(places).flatMap(({ pieces }) => pieces)) batch.delete(pieceAt(reference, id));
  return commit(reference, batch);
}

/** A write that replaces a document cannot presume its version, but one that changes every field of it can. */
function buried({ bodyHash, expiresAt }: Tombstone) {
  const fields = [layout.order, layout.by, layout.item, layout.parts, layout.inline, layout.mark];
  return {
    ...Object.fromEntries(fields.map((field) => [field, FieldValue.delete()])),
    [layout.bodyHash]: bodyHash,
    [layout.expiresAt]: Timestamp.fromMillis(expiresAt),
  };
}

/** Takes away the tombstone that was read; false when there is something else by now. */
export async function removeGrave(reference: DocumentReference, { version }: Grave): Promise<boolean> {
  return commit(reference, reference.firestore.batch().delete(reference, { lastUpdateTime: version }));
}

/** Lays out the fields and the parts; what is too much for one commit is written now, to be named by the document. */
async function prepare(reference: DocumentReference, { document, parts, mark }: Write, places: Places) {
  const item = toField(document.text);
  const named = Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [segment(name), bytes]));
  const plan = planParts(named, places, sizeOf(item), () => reference.collection(layout.pieces).doc().id);
  const carried = [...Object.values(plan.inline), ...plan.pieces.map(({ bytes }) => bytes)];
  const staged = sizeOf(item) + carried.reduce((sum, { length }) => sum + length, 0) > maxCommitBytes;
  if (staged) await stage(reference, plan.pieces);
  const head = { order: document.order, by: document.fields, item, mark };
  return { head, plan, staged };
}

/** Writes pieces ahead of the document that will name them; if none does, since its writer died or lost, they expire. */
async function stage(reference: DocumentReference, pieces: readonly Piece[]): Promise<void> {
  const expiresAt = Timestamp.fromMillis(Date.now() + retention.tombstoneDays * dayMs);
  for (const together of batched(pieces, maxCommitBytes)) {
    const batch = reference.firestore.batch();
    for (const { id, bytes } of together) batch.set(pieceAt(reference, id), { bytes, expiresAt });
    await answered(reference.firestore, batch.commit());
  }
}

function withPieces(batch: WriteBatch, reference: DocumentReference, plan: PartsPlan, staged: boolean): WriteBatch {
  for (const { id, bytes } of plan.pieces) {
    if (staged) batch.update(pieceAt(reference, id), { [layout.expiresAt]: FieldValue.delete() });
    else batch.create(pieceAt(reference, id), { bytes });
  }
  for (const id of plan.obsolete) batch.delete(pieceAt(reference, id));
  return batch;
}

async function commit({ firestore }: DocumentReference, batch: WriteBatch): Promise<boolean> {
  try {
    await answered(firestore, batch.commit());
    return true;
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}
