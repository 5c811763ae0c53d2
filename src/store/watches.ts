import type { Schema } from './store.ts';

/** Tells one listener of one document, if there is news. */
type Look = () => void;

/** The listeners of a store, by document. */
export interface Watches {
  /** Looks soon, and after each change of the document, until the returned function is called. */
  add(document: string, look: Look): () => void;
  changed(document: string): void;
  /** Something changed, and it is not known what. */
  anyChanged(): void;
  /** No look happens after this. */
  clear(): void;
}

/** Looks run after the change that caused them has returned, joined when they pile up; one that throws stops no other. */
export function createWatches(): Watches {
  const watched = new Map<string, Set<Look>>();
  const due = new Set<Look>();

  const lookSoon = (look: Look) => {
    if (due.has(look)) return;
    due.add(look);
    queueMicrotask(() => {
      if (due.delete(look)) look();
    });
  };

  return {
    add(document, look) {
      const looks = watched.get(document) ?? new Set();
      watched.set(document, looks.add(look));
      lookSoon(look);
      return () => {
        due.delete(look);
        looks.delete(look);
        if (looks.size === 0 && watched.get(document) === looks) watched.delete(document);
      };
    },
    changed(document) {
      watched.get(document)?.forEach(lookSoon);
    },
    anyChanged() {
      for (const looks of watched.values()) looks.forEach(lookSoon);
    },
    clear() {
      due.clear();
      watched.clear();
    },
  };
}

/**
 * Makes the look of a listener. `read` gives the document's text, undefined when there is none, null when it cannot be
 * read now. What was told already, or does not parse, is not told.
 */
export function createLook<T extends { readonly id: string }>(
  schema: Schema<T>,
  read: () => string | undefined | null,
  listener: (item: T) => void,
): Look {
  let told: string | undefined;
  return () => {
    const text = read();
    if (text === null || text === told) return;
    told = text;
    const item = text === undefined ? undefined : parsed(schema, text);
    if (item !== undefined) listener(item);
  };
}

/** A listener can do nothing about a document that does not parse; whoever reads it by `get` is told what is wrong. */
function parsed<T extends { readonly id: string }>(schema: Schema<T>, text: string): T | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
