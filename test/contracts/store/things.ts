import { afterEach, beforeEach, vi } from 'vitest';
import { z } from 'zod';
import { type Collection, directions, type Query, type Schema } from '../../../src/store/store.ts';

/** An empty store of an adapter under test. */
export interface StoreHarness {
  /** Opens one more client of the store, as another process would. */
  open<T extends { readonly id: string }>(
    schema: Schema<T>,
    onError?: (error: unknown) => void,
  ): Promise<Collection<T>>;
  close(): Promise<void>;
}

const thingSchema = z.object({
  id: z.string(),
  color: z.string(),
  size: z.string(),
  at: z.number(),
  count: z.int(),
  note: z.string().optional(),
});
export type Thing = Readonly<z.infer<typeof thingSchema>>;

/** The kind of document that the suites work with. */
export const things: Schema<Thing> = {
  name: 'things',
  parse: (document) => thingSchema.parse(document),
  fields: ({ color, size }) => ({ color, size }),
  order: ({ at }) => at,
  queries: [
    { fields: ['color', 'size'], directions },
    { fields: ['color'], directions },
    { fields: ['size'], directions: ['ascending'] },
    { fields: [], directions },
  ],
};

const anythingSchema = z.looseObject({ id: z.string() });

/** The same collection to somebody who checks nothing: how documents get in that do not parse. */
export const unchecked: Schema<z.infer<typeof anythingSchema>> = {
  ...things,
  parse: (document) => anythingSchema.parse(document),
  fields: () => ({ color: 'red', size: 'small' }),
  order: () => 0,
};

export function thing(id: string, fields: Partial<Thing> = {}): Thing {
  return { id, color: 'red', size: 'small', at: 1000, count: 0, ...fields };
}

/** A change that shows how often it was made. */
export const increment = (current: Thing): Thing => ({ ...current, count: current.count + 1 });

export const everything: Query = { equal: {}, direction: 'ascending', limit: 100 };

export const bytes = (text: string) => new TextEncoder().encode(text);

export const range = (length: number) => Array.from({ length }, (_, index) => index);

export const until = (assertion: () => void) => vi.waitFor(assertion, { timeout: 10_000, interval: 5 });

/** A new store for each test, with a client of it. */
export interface Room {
  readonly store: Collection<Thing>;
  readonly open: StoreHarness['open'];
}

export function newStoreForEach(start: () => Promise<StoreHarness>): Room {
  let harness: StoreHarness | undefined;
  let store: Collection<Thing> | undefined;
  beforeEach(async () => {
    harness = await start();
    store = await harness.open(things);
  });
  afterEach(() => harness?.close());
  return {
    get store() {
      return opened(store);
    },
    open: (...given) => opened(harness).open(...given),
  };
}

function opened<V>(value: V | undefined): V {
  if (value === undefined) throw new Error('there is a store only while a test runs');
  return value;
}
