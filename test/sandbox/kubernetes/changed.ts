import { z } from 'zod';

const record = z.record(z.string(), z.unknown());

/** Where in an object and what is to be there: keys and indexes with spaces between them, `-` is behind a list's end. */
export type Change = readonly [path: string, value: unknown];

/** A copy with other values; undefined takes a field away. */
export function changed(object: unknown, ...changes: readonly Change[]): unknown {
  return changes.reduce((before, [path, value]) => set(before, path.split(' '), value), object);
}

function set(node: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (key === '-') return [...z.array(z.unknown()).parse(node ?? []), value];
  if (Array.isArray(node)) return node.map((item, index) => (index === Number(key) ? set(item, rest, value) : item));
  const fields = record.parse(node ?? {});
  return { ...fields, [key]: set(fields[key], rest, value) };
}
