import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CollectionReference,
  type DocumentReference,
  FieldPath,
  type Firestore,
  type Query as FirestoreQuery,
  type QueryDocumentSnapshot,
} from '@google-cloud/firestore';
import { readDocument, toDocument } from '../document.ts';
import { pageReader } from '../page-reader.ts';
import { type Declared, type Position, startOf } from '../query.ts';
import type { Collection, Created, Parts, Query, Schema } from '../store.ts';
import { createLook } from '../watches.ts';
import { readGrave, readHead, readPart, readText, textOf } from './documents.ts';
import { layout, segment } from './layout.ts';
import { answered } from './unavailable.ts';
import { watchDocument } from './watch.ts';
import { createDocument, removeDocument, removeGrave, replaceDocument } from './writes.ts';

/** A collection of a Firestore database; nothing has to be made for it but its indexes. */
export function firestoreCollection<T extends { readonly id: string }>(
  schema: Schema<T>,
  firestore: Firestore,
  onError?: (error: unknown) => void,
): Collection<T> {
  const readPage = pageReader(schema, onError);
  const collection = firestore.collection(schema.name);
  const at = (id: string) => collection.doc(segment(id));

  return {
    create: (item, parts = {}) => create(schema, at(item.id), item, parts),

    async get(id) {
      const text = await readText(at(id));
      return text === undefined ? undefined : readDocument(schema, id, text);
    },

    async tombstone(id) {
      const { tombstone } = (await readGrave(at(id))) ?? {};
      return tombstone !== undefined && tombstone.expiresAt > Date.now() ? tombstone : undefined;
    },

    part: (id, name) => readPart(at(id), name),

    update: (id, change, parts = {}) => update(schema, at(id), change, parts),

    async query(query) {
      const find = async (last?: QueryDocumentSnapshot) =>
        (await answered(firestore, selection(collection, schema, query, last).get())).docs;
      return readPage(query, find, (snapshot) => readDocument(schema, snapshot.id, textOf(snapshot)));
    },

    remove: (id, leaving) =>
      uncontended(at(id), async (reference) => {
        const head = await readHead(reference);
        const gone = head === undefined || (await removeDocument(reference, head, leaving));
        return gone ? { result: undefined } : undefined;
      }),

    watch(id, listener) {
      let text: string | undefined | null = null;
      const look = createLook(schema, () => text, listener);
      return watchDocument(at(id), (now) => {
        text = now;
        look();
      });
    },
  };
}

async function create<T extends { readonly id: string }>(
  schema: Schema<T>,
  at: DocumentReference,
  item: T,
  parts: Parts,
): Promise<Created<T>> {
  const document = toDocument(schema, item);
  const write = { document, parts, mark: newMark(at) };
  return uncontended<Created<T>>(at, async (reference) => {
    if (await createDocument(reference, write)) return { result: { created: true, item: document.item } };
    const found = await readHead(reference);
    if (found === undefined) return metGrave(reference);
    // It carries our mark when the write was done and its answer got lost.
    return { result: { created: found.mark === write.mark, item: readDocument(schema, item.id, found.text) } };
  });
}

/** The service deletes what expired some time later, within a day as a rule: until then it is in the way of a create. */
async function metGrave(reference: DocumentReference) {
  const grave = await readGrave(reference);
  if (grave === undefined) return undefined;
  const { tombstone } = grave;
  if (tombstone.expiresAt > Date.now()) return { result: { created: false, tombstone } as const };
  await removeGrave(reference, grave);
  return undefined;
}

/** Reads without a lock and writes over what was read: a lock would have to be waited for by everybody else. */
async function update<T extends { readonly id: string }>(
  schema: Schema<T>,
  at: DocumentReference,
  change: (current: T) => T,
  parts: Parts,
): Promise<{ readonly before: T; readonly after: T } | undefined> {
  const mark = newMark(at);
  let before: T | undefined;
  return uncontended(at, async (reference) => {
    const head = await readHead(reference);
    if (head === undefined) return { result: undefined };
    const current = readDocument(schema, reference.id, head.text);
    if (head.mark === mark && before !== undefined) return { result: { before, after: current } };
    before = current;
    const changed = change(current);
    if (changed === current) return { result: { before, after: before } };
    const document = toDocument(schema, changed);
    const replaced = await replaceDocument(reference, { document, parts, mark }, head);
    return replaced ? { result: { before, after: document.item } } : undefined;
  });
}

function newMark({ parent }: DocumentReference): string {
  return parent.doc().id;
}

/** Finds one document more than the page holds, after `last` if given; only items travel, not the parts beside them. */
function selection(
  collection: CollectionReference,
  schema: Declared,
  query: Query,
  last: QueryDocumentSnapshot | undefined,
): FirestoreQuery {
  const start = startOf(schema, query);
  const direction = query.direction === 'ascending' ? 'asc' : 'desc';
  let found = collection.select(layout.item, layout.order);
  for (const [field, value] of Object.entries(query.equal)) {
    found = found.where(new FieldPath(layout.by, field), '==', value);
  }
  const sorted = found.orderBy(layout.order, direction).orderBy(FieldPath.documentId(), direction);
  const rest = last === undefined ? afterStart(sorted, start) : sorted.startAfter(last);
  return rest.limit(query.limit + 1);
}

function afterStart(sorted: FirestoreQuery, start: Position | undefined): FirestoreQuery {
  return start === undefined ? sorted : sorted.startAfter(start.order, segment(start.id));
}

/** How long writers of one document may be in each other's way before one gives up. Milliseconds. */
const contentionMs = 20_000;

/** Ceiling of the pause before the next attempt. Milliseconds. */
const longestPauseMs = 250;

/** Repeats an attempt while others come between its read and its write, for which it resolves to undefined. */
async function uncontended<R>(
  reference: DocumentReference,
  attempt: (reference: DocumentReference) => Promise<{ readonly result: R } | undefined>,
): Promise<R> {
  const giveUpAt = performance.now() + contentionMs;
  for (let round = 0; ; round++) {
    const done = await attempt(reference);
    if (done !== undefined) return done.result;
    if (performance.now() > giveUpAt) {
      throw new Error(`${reference.path} is being written by too many at the same time: try again`);
    }
    // Not after the first: a write of ours whose answer got lost should be met before another goes over it.
    if (round > 0) await sleep(Math.random() * Math.min(longestPauseMs, 10 * 2 ** round));
  }
}
