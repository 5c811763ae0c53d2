import { type DocumentReference, type DocumentSnapshot, FieldPath, Timestamp } from '@google-cloud/firestore';
import { z } from 'zod';
import type { Tombstone } from '../store.ts';
import { layout, segment } from './layout.ts';
import type { Place, Places } from './parts.ts';
import { fromField } from './text.ts';
import { answered } from './unavailable.ts';

/** A document without the bytes of its parts. */
export interface Head {
  readonly text: string;
  readonly places: Places;
  /** Of the call that wrote it. */
  readonly mark: string;
  /** Changes with every write. */
  readonly version: Timestamp;
}

/** What an item left. */
export interface Grave extends Pick<Head, 'version'> {
  readonly tombstone: Tombstone;
}

const placeSchema = z.object({ size: z.int(), pieces: z.array(z.string()) });
const bytesSchema = z.instanceof(Uint8Array);
const itemSchema = z.union([z.string(), bytesSchema]);
const headSchema = z.object({ item: itemSchema, parts: z.record(z.string(), placeSchema), mark: z.string() });

const graveSchema = z.object({ bodyHash: z.string(), expiresAt: z.instanceof(Timestamp) });

const headMask = [layout.item, layout.parts, layout.mark, layout.expiresAt];

/** Where the bytes of a piece are: a document below the one they belong to. */
export function pieceAt(reference: DocumentReference, id: string): DocumentReference {
  return reference.collection(layout.pieces).doc(id);
}

/** Reads a document without the bytes of its parts; undefined when there is none, or a tombstone. */
export async function readHead(reference: DocumentReference): Promise<Head | undefined> {
  const snapshot = await look(reference, headMask);
  if (snapshot?.updateTime === undefined || isGrave(snapshot)) return undefined;
  const { item, parts, mark } = parsed(headSchema, snapshot, snapshot.data());
  return { text: fromField(item), places: parts, mark, version: snapshot.updateTime };
}

/** Reads what an item left, expired or not; undefined when there is none. */
export async function readGrave(reference: DocumentReference): Promise<Grave | undefined> {
  const snapshot = await look(reference, [layout.bodyHash, layout.expiresAt]);
  if (snapshot?.updateTime === undefined || !isGrave(snapshot)) return undefined;
  const { bodyHash, expiresAt } = parsed(graveSchema, snapshot, snapshot.data());
  return { tombstone: { bodyHash, expiresAt: expiresAt.toMillis() }, version: snapshot.updateTime };
}

/** Of the fields of a document only a tombstone has this. */
function isGrave(snapshot: DocumentSnapshot): boolean {
  return snapshot.get(layout.expiresAt) !== undefined;
}

/** Reads the JSON of a document; undefined when there is none. */
export async function readText(reference: DocumentReference): Promise<string | undefined> {
  const snapshot = await look(reference, [layout.item, layout.expiresAt]);
  return snapshot === undefined ? undefined : textIn(snapshot);
}

/** The JSON of a document that may not be there, or be a tombstone. */
export function textIn(snapshot: DocumentSnapshot): string | undefined {
  return snapshot.exists && !isGrave(snapshot) ? textOf(snapshot) : undefined;
}

/** The JSON of a document that was read. */
export function textOf(snapshot: DocumentSnapshot): string {
  return fromField(parsed(itemSchema, snapshot, snapshot.get(layout.item)));
}

/** Reads a part; undefined when the document has none of that name. */
export async function readPart(reference: DocumentReference, name: string): Promise<Uint8Array | undefined> {
  const placePath = new FieldPath(layout.parts, segment(name));
  const bytesPath = new FieldPath(layout.inline, segment(name));
  let missing: readonly string[] = [];
  for (;;) {
    const snapshot = await look(reference, [placePath, bytesPath]);
    if (!snapshot?.exists) return undefined;
    const found: unknown = snapshot.get(placePath);
    if (found === undefined) return undefined;
    const place = parsed(placeSchema, snapshot, found);
    if (place.pieces.length === 0) return Uint8Array.from(parsed(bytesSchema, snapshot, snapshot.get(bytesPath)));
    const bytes = await readPieces(reference, place);
    if (bytes !== undefined) return bytes;
    // A write that replaced the part takes its pieces away; then the document names others now.
    if (String(place.pieces) === String(missing)) throw new Error(`${reference.path}: pieces of its ${name} are gone`);
    missing = place.pieces;
  }
}

async function readPieces(reference: DocumentReference, { size, pieces }: Place): Promise<Uint8Array | undefined> {
  const references = pieces.map((id) => pieceAt(reference, id));
  const snapshots = await answered(reference.firestore, reference.firestore.getAll(...references));
  const whole = new Uint8Array(size);
  let written = 0;
  for (const snapshot of snapshots) {
    if (!snapshot.exists) return undefined;
    const bytes = parsed(bytesSchema, snapshot, snapshot.get(layout.bytes));
    whole.set(bytes, written);
    written += bytes.length;
  }
  return whole;
}

/** Only the fields named travel. */
async function look(
  reference: DocumentReference,
  fieldMask: readonly (string | FieldPath)[],
): Promise<DocumentSnapshot | undefined> {
  const { firestore } = reference;
  const [snapshot] = await answered(firestore, firestore.getAll(reference, { fieldMask: [...fieldMask] }));
  return snapshot;
}

function parsed<R>(schema: z.ZodType<R>, snapshot: DocumentSnapshot, value: unknown): R {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(`the document ${snapshot.ref.path} does not parse: ${result.error.message}`, { cause: result.error });
}
