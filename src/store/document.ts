import type { Schema } from './store.ts';

/** An item as an adapter stores it: checked, as text, with what queries compare and sort by. */
export interface Document<T> {
  readonly item: T;
  readonly text: string;
  readonly order: number;
  readonly fields: Readonly<Record<string, string>>;
}

/** Checks before anything is written, so that nothing gets in that could not be read again. */
export function toDocument<T extends { readonly id: string }>(schema: Schema<T>, item: T): Document<T> {
  const checked = readDocument(schema, item.id, JSON.stringify(item));
  return {
    item: checked,
    text: JSON.stringify(checked),
    order: schema.order(checked),
    fields: schema.fields(checked),
  };
}

/** Reads a stored document; throws, naming collection and id, when it is not one of the schema's. */
export function readDocument<T extends { readonly id: string }>(schema: Schema<T>, id: string, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the document ${schema.name}/${id} does not parse: ${why}`, { cause });
  }
}
