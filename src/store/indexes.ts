import { layout } from './firestore/layout.ts';
import type { Schema } from './store.ts';

/** A composite index; Firestore ends each with the document's name, in the direction of the last field. */
export interface CompositeIndex {
  readonly collectionGroup: string;
  readonly queryScope: 'COLLECTION';
  readonly fields: readonly { readonly fieldPath: string; readonly order: Direction }[];
}

/** What differs, for one field, from the indexes that Firestore keeps of every field by itself. */
interface FieldOverride {
  readonly collectionGroup: string;
  readonly fieldPath: string;
  readonly ttl?: boolean;
  readonly indexes: readonly { readonly queryScope: 'COLLECTION'; readonly order: Direction }[];
}

/** The content of `firestore.indexes.json` (https://firebase.google.com/docs/reference/firestore/indexes). */
export interface FirestoreIndexes {
  readonly indexes: readonly CompositeIndex[];
  readonly fieldOverrides: readonly FieldOverride[];
}

type Declared = Pick<Schema<never>, 'name' | 'queries' | 'tombstones'>;
type Direction = (typeof directions)[number];

const directions = ['ASCENDING', 'DESCENDING'] as const;

/**
 * The indexes that the queries of these schemas need and no others, since each is paid for with every write. The emulator
 * answers any query without; only the service refuses one that has no index.
 */
export function firestoreIndexes(schemas: readonly Declared[]): FirestoreIndexes {
  return {
    indexes: schemas.flatMap(compositesOf),
    fieldOverrides: [...schemas.flatMap(overridesOf), ...pieceOverrides],
  };
}

/** One for each direction: Firestore does not read an index backwards. */
function compositesOf({ name, queries }: Declared): readonly CompositeIndex[] {
  const filtering = queries.filter((fields) => fields.length > 0);
  return filtering.flatMap((fields) =>
    directions.map((order) => ({
      collectionGroup: name,
      queryScope: 'COLLECTION' as const,
      fields: [
        ...fields.map((field) => ({ fieldPath: `${layout.by}.${field}`, order: directions[0] })),
        { fieldPath: layout.order, order },
      ],
    })),
  );
}

/**
 * A map's override holds for all within it. Order only ever rises, and an index on such a field takes no more than 500
 * writes a second, so there is one only for a query that filters nothing.
 */
function overridesOf({ name, queries, tombstones }: Declared): readonly FieldOverride[] {
  const unfiltered = queries.some((fields) => fields.length === 0);
  const bare = [layout.by, layout.item, layout.parts, layout.inline, layout.mark].map((fieldPath) => ({
    collectionGroup: name,
    fieldPath,
    indexes: [],
  }));
  const ordered = directions.map((order) => ({ queryScope: 'COLLECTION' as const, order }));
  const expiring = tombstones ? [{ collectionGroup: name, fieldPath: layout.bodyHash, indexes: [] }, expiry(name)] : [];
  return [{ collectionGroup: name, fieldPath: layout.order, indexes: unfiltered ? ordered : [] }, ...bare, ...expiring];
}

/** Pieces that no document came to name expire. */
const pieceOverrides: readonly FieldOverride[] = [
  { collectionGroup: layout.pieces, fieldPath: layout.bytes, indexes: [] },
  expiry(layout.pieces),
];

/** Only documents that have the field are deleted by this policy. */
function expiry(collectionGroup: string): FieldOverride {
  return { collectionGroup, fieldPath: layout.expiresAt, ttl: true, indexes: [] };
}
