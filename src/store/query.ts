import { InvalidRequestError } from '../errors.ts';
import type { Page, Query, Schema } from './store.ts';

/** Where a page ends: queries sort by order, and by id where that is equal. */
export interface Position {
  readonly order: number;
  readonly id: string;
}

/** What a schema says of its queries. */
export type Declared = Pick<Schema<never>, 'name' | 'queries'>;

/** Throws for a query that the schema does not declare, since no index serves it; returns where the page starts. */
export function startOf(schema: Declared, query: Query): Position | undefined {
  const { direction, equal } = query;
  const asked = Object.keys(equal);
  const declared = schema.queries.some(
    ({ fields, directions }) =>
      fields.length === asked.length &&
      asked.every((field) => fields.includes(field)) &&
      directions.includes(direction),
  );
  if (!declared) {
    throw new Error(`${schema.name} has no ${direction} query by (${asked.join(', ')}): declare it in the schema`);
  }
  return query.after === undefined ? undefined : decodeCursor(query.after);
}

/** Makes a page of what a store found; it looks for one item more than `limit` to know whether another page follows. */
export function pageOf<T extends { readonly id: string }>(
  schema: Schema<T>,
  found: readonly T[],
  limit: number,
): Page<T> {
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return { items, next: last === undefined ? null : encodeCursor({ order: schema.order(last), id: last.id }) };
}

function encodeCursor(position: Position): string {
  return Buffer.from(`${position.order} ${position.id}`).toString('base64url');
}

/** Cursors come back from callers: one that `encodeCursor` would not have written is the request's fault. */
function decodeCursor(cursor: string): Position {
  const text = Buffer.from(cursor, 'base64url').toString();
  const space = text.indexOf(' ');
  const position = { order: Number(text.slice(0, space)), id: text.slice(space + 1) };
  if (!Number.isFinite(position.order) || encodeCursor(position) !== cursor) {
    const message = 'is not a cursor of this list: pass `next` of the page before unchanged';
    throw new InvalidRequestError([{ pointer: '/cursor', message }]);
  }
  return position;
}
