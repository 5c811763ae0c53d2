import { layout } from './firestore/layout.ts';
import type { Direction, QueryKind, Schema } from './store.ts';

/** A composite index; Firestore ends each with the document's name, in the direction of the last field. */
export interface CompositeIndex {
  readonly collectionGroup: string;
  readonly queryScope: 'COLLECTION';
  readonly fields: readonly { readonly fieldPath: string; readonly order: IndexOrder }[];
}

/** What differs, for one field, from the indexes that Firestore keeps of every field by itself. */
interface FieldOverride {
  readonly collectionGroup: string;
  readonly fieldPath: string;
  readonly ttl?: boolean;
  readonly indexes: readonly { readonly queryScope: 'COLLECTION'; readonly order: IndexOrder }[];
}

/** The content of `firestore.indexes.json` (https://firebase.google.com/docs/reference/firestore/indexes). */
export interface FirestoreIndexes {
  readonly indexes: readonly CompositeIndex[];
  readonly fieldOverrides: readonly FieldOverride[];
}

type Declared = Pick<Schema<never>, 'name' | 'queries' | 'tombstones'>;
type IndexOrder = Uppercase<Direction>;

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

/** One for each direction that is asked for: Firestore does not read an index backwards. */
function compositesOf({ name, queries }: Declared): readonly CompositeIndex[] {
  return queries.filter(isFiltering).flatMap(({ fields, directions }) =>
    directions.map((direction) => ({
      collectionGroup: name,
      queryScope: 'COLLECTION' as const,
      fields: [
        ...fields.map((field) => ({ fieldPath: `${layout.by}.${field}`, order: 'ASCENDING' as const })),
        { fieldPath: layout.order, order: orders[direction] },
      ],
    })),
  );
}

const orders = { ascending: 'ASCENDING', descending: 'DESCENDING' } as const satisfies Record<Direction, IndexOrder>;

function isFiltering({ fields }: QueryKind): boolean {
  return fields.length > 0;
}

/**
 * A map's override holds for all within it. Order only ever rises, and an index on such a field takes no more than 500
 * writes a second, so there is one only for a query that filters nothing.
 */
function overridesOf({ name, queries, tombstones }: Declared): readonly FieldOverride[] {
  const unfiltered = queries.filter((query) => !isFiltering(query)).flatMap(({ directions }) => directions);
  const bare = [layout.by, layout.item, layout.parts, layout.inline, layout.mark].map((fieldPath) => ({
    collectionGroup: name,
    fieldPath,
    indexes: [],
  }));
  const ordered = unfiltered.map((direction) => ({ queryScope: 'COLLECTION' as const, order: orders[direction] }));
  const expiring = tombstones ? [{ collectionGroup: name, fieldPath: layout.bodyHash, indexes: [] }, expiry(name)] : [];
  return [{ collectionGroup: name, fieldPath: layout.order, indexes: ordered }, ...bare, ...expiring];
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
