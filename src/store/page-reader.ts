import { pageOf } from './query.ts';
import type { Page, Query, Schema } from './store.ts';

/**
 * Makes what reads the pages of a collection. A document that does not parse, since a newer program wrote it perhaps,
 * is left out and `onError` hears of it once: it must not keep all others waiting. Without `onError` the query throws.
 */
export function pageReader<T extends { readonly id: string }>(
  schema: Schema<T>,
  onError: (error: unknown) => void = rethrow,
) {
  const reported = new Set<string>();

  /** `find` looks for one document more than the page holds, after the last that was found before. */
  return async <D extends { readonly id: string }>(
    { limit }: Query,
    find: (last: D | undefined) => Promise<readonly D[]>,
    read: (document: D) => T,
  ): Promise<Page<T>> => {
    const readable = (document: D): readonly T[] => {
      try {
        return [read(document)];
      } catch (error) {
        if (!reported.has(document.id)) onError(error);
        reported.add(document.id);
        return [];
      }
    };
    const items: T[] = [];
    let last: D | undefined;
    for (;;) {
      const found = await find(last);
      items.push(...found.flatMap(readable));
      if (items.length > limit || found.length <= limit) return pageOf(schema, items, limit);
      last = found.at(-1);
    }
  };
}

function rethrow(error: unknown): never {
  throw error;
}
