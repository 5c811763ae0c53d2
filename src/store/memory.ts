import { type Document, readDocument, toDocument } from './document.ts';
import { executions, leases, type Store } from './executions.ts';
import { pageReader } from './page-reader.ts';
import { type Position, startOf } from './query.ts';
import type { Collection, Installation, Parts, Query, Schema, Tombstone } from './store.ts';
import { createLook, createWatches } from './watches.ts';

/** What a store keeps, apart from its clients: several over one memory see each other's writes. */
export type Memory = ReturnType<typeof createMemory>;

interface Row extends Omit<Document<unknown>, 'item'> {
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

/** `now` is the clock by which tombstones expire. */
export function createMemory(now: () => number = Date.now) {
  return {
    rows: new Map<string, Map<string, Row>>(),
    tombstones: new Map<string, Tombstone>(),
    now,
    watches: createWatches(),
  };
}

export interface MemoryOptions {
  readonly installation: Installation;
  readonly memory?: Memory;
  /** Hears once of each execution that does not parse, which queries then leave out; default: they throw. */
  readonly onError?: (error: unknown) => void;
}

/** A store that lives as long as its memory; it keeps text and copies, so what it gives back is what a real one would. */
export function memoryStore({ installation, memory = createMemory(), onError }: MemoryOptions): Store {
  return {
    installation,
    executions: memoryCollection(executions, memory, onError),
    leases: memoryCollection(leases, memory),
  };
}

/** A collection on its own; `memory` is shared with other clients when given. */
export function memoryCollection<T extends { readonly id: string }>(
  schema: Schema<T>,
  memory = createMemory(),
  onError?: (error: unknown) => void,
): Collection<T> {
  const readPage = pageReader(schema, onError);
  const rows = memory.rows.get(schema.name) ?? new Map<string, Row>();
  memory.rows.set(schema.name, rows);
  const key = (id: string) => `${schema.name}/${id}`;
  const tombstoneOf = (id: string) => {
    const found = memory.tombstones.get(key(id));
    return found !== undefined && found.expiresAt > memory.now() ? found : undefined;
  };

  return {
    async create(item, parts = {}) {
      const { item: checked, ...document } = toDocument(schema, item);
      await otherClients();
      const taken = rows.get(item.id);
      if (taken !== undefined) return { created: false, item: readDocument(schema, item.id, taken.text) };
      const tombstone = tombstoneOf(item.id);
      if (tombstone !== undefined) return { created: false, tombstone };
      rows.set(item.id, { ...document, parts: copyOf(parts) });
      memory.watches.changed(key(item.id));
      return { created: true, item: checked };
    },

    async get(id) {
      await otherClients();
      const row = rows.get(id);
      return row === undefined ? undefined : readDocument(schema, id, row.text);
    },

    async tombstone(id) {
      await otherClients();
      return tombstoneOf(id);
    },

    async part(id, name) {
      await otherClients();
      return rows.get(id)?.parts.get(name)?.slice();
    },

    async update(id, change, parts = {}) {
      const result = await updateRow(schema, rows, id, change, parts);
      if (result !== undefined && result.after !== result.before) memory.watches.changed(key(id));
      return result;
    },

    async query(query) {
      const start = startOf(schema, query);
      const find = async (last: Position | undefined) => {
        await otherClients();
        return select(rows, query, last ?? start);
      };
      return readPage(query, find, ({ id, text }) => readDocument(schema, id, text));
    },

    async remove(id, leaving) {
      await otherClients();
      if (!rows.delete(id)) return;
      if (leaving !== undefined) memory.tombstones.set(key(id), { ...leaving });
      dropExpired(memory);
      memory.watches.changed(key(id));
    },

    watch(id, listener) {
      const look = createLook(schema, () => rows.get(id)?.text, listener);
      return memory.watches.add(key(id), look);
    },
  };
}

/** Writes only over the row it has read; when another client was faster, the change is made again from what is there now. */
async function updateRow<T extends { readonly id: string }>(
  schema: Schema<T>,
  rows: Map<string, Row>,
  id: string,
  change: (current: T) => T,
  parts: Parts,
): ReturnType<Collection<T>['update']> {
  for (;;) {
    const row = rows.get(id);
    if (row === undefined) return undefined;
    const before = readDocument(schema, id, row.text);
    const changed = change(before);
    await otherClients();
    if (rows.get(id) !== row) continue;
    if (changed === before) return { before, after: before };
    const { item: after, ...document } = toDocument(schema, changed);
    rows.set(id, { ...document, parts: new Map([...row.parts, ...copyOf(parts)]) });
    return { before, after };
  }
}

function dropExpired({ tombstones, now }: Memory): void {
  for (const [key, { expiresAt }] of tombstones) if (expiresAt <= now()) tombstones.delete(key);
}

/** Lets other clients' calls come between, as they do on the way to a real store. */
function otherClients(): Promise<void> {
  return Promise.resolve();
}

function copyOf(parts: Parts): Map<string, Uint8Array> {
  return new Map(Object.entries(parts).map(([name, bytes]) => [name, Uint8Array.from(bytes)]));
}

function select(rows: ReadonlyMap<string, Row>, query: Query, start: Position | undefined) {
  const sign = query.direction === 'ascending' ? 1 : -1;
  const equal = Object.entries(query.equal);
  return [...rows]
    .filter(([, row]) => equal.every(([field, value]) => row.fields[field] === value))
    .map(([id, { order, text }]) => ({ id, order, text }))
    .filter((found) => start === undefined || sign * compare(found, start) > 0)
    .sort((a, b) => sign * compare(a, b))
    .slice(0, query.limit + 1);
}

function compare(a: Position, b: Position): number {
  return a.order - b.order || (a.id < b.id ? -1 : Number(a.id > b.id));
}
