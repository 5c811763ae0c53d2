export const directions = ['ascending', 'descending'] as const;
export type Direction = (typeof directions)[number];

/** A kind of query: the fields that it compares, and the directions in which it is asked. */
export interface QueryKind {
  readonly fields: readonly string[];
  readonly directions: readonly Direction[];
}

/** What an adapter must know of a kind of document: its name, how to check one, and by what it is looked up. */
export interface Schema<T extends { readonly id: string }> {
  readonly name: string;
  /** Checks a stored document and throws if it is not a T. */
  readonly parse: (document: unknown) => T;
  /** The fields that queries may compare for equality. */
  readonly fields: (item: T) => Readonly<Record<string, string>>;
  /** The number by which queries sort; ids break ties. */
  readonly order: (item: T) => number;
  /** The queries there are, and no others: the indexes are derived from it. */
  readonly queries: readonly QueryKind[];
  /** Set where items leave tombstones: Firestore then has a policy that deletes those that expired. */
  readonly tombstones?: true;
}

export interface Query {
  /** Fields that must be equal; their names and the direction must be those of one of the schema's `queries`. */
  readonly equal: Readonly<Record<string, string>>;
  readonly direction: Direction;
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque cursor of the following page; null when there is none. */
  readonly next: string | null;
}

/** Byte parts of a document (code, stdin, output), read on their own so that documents stay small. */
export type Parts = Readonly<Record<string, Uint8Array>>;

/** What stands in the place of a removed item, so that its id is not used again before `expiresAt`. */
export interface Tombstone {
  /** Of the request that the item was made for: whether the same is asked for again. */
  readonly bodyHash: string;
  /** Milliseconds since the Unix epoch; from then on it counts as absent, and is deleted some time. */
  readonly expiresAt: number;
}

/** What `create` met: the item that is stored now, or the tombstone of one that was. */
export type Created<T> =
  | { readonly created: boolean; readonly item: T; readonly tombstone?: never }
  | { readonly created: false; readonly item?: never; readonly tombstone: Tombstone };

/** Documents of one kind. Every method may throw when the store cannot answer, and then anything may have happened. */
export interface Collection<T extends { readonly id: string }> {
  /** Stores the item with its parts unless its id is taken, by an item or a tombstone; returns what is stored now. */
  create(item: T, parts?: Parts): Promise<Created<T>>;
  get(id: string): Promise<T | undefined>;
  /** What the item of that id left when it was removed, until it expires; `get` does not see it. */
  tombstone(id: string): Promise<Tombstone | undefined>;
  part(id: string, name: string): Promise<Uint8Array | undefined>;
  /**
   * Applies a pure `change` in a transaction; it may run more than once. When it returns its argument itself, nothing
   * is written; else the item and `parts` are, together. Undefined when there is no such id.
   */
  update(
    id: string,
    change: (current: T) => T,
    parts?: Parts,
  ): Promise<{ readonly before: T; readonly after: T } | undefined>;
  /**
   * Throws InvalidRequestError with the pointer `/cursor` for an `after` that no page gave. Leaves out a document that
   * does not parse, of which whoever made the store hears once, and throws for it where nobody listens.
   */
  query(query: Query): Promise<Page<T>>;
  /**
   * Removes the item and its parts, and leaves the tombstone in its place, in one transaction. Absent is success: then
   * nothing is left, and a tombstone that is there stays as it is.
   */
  remove(id: string, leaving?: Tombstone): Promise<void>;
  /**
   * Calls `listener` with the item now (if there) and after changes; changes may be joined, the last is never lost.
   * A document that does not parse is not told; `get` says what is wrong with it.
   */
  watch(id: string, listener: (item: T) => void): () => void;
}

/** Random identity of a store, made with it: it is part of every Job's name and keys the idempotency hash. */
export interface Installation {
  readonly id: string;
  readonly secret: Uint8Array;
}
