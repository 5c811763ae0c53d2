import { type Execution, isFinal } from '../../src/execution/execution.ts';
import { executions, leases } from '../../src/store/executions.ts';
import { createMemory, type Memory } from '../../src/store/memory.ts';

type Rows = NonNullable<ReturnType<Memory['rows']['get']>>;
type Row = Rows extends Map<string, infer R> ? R : never;

/** One committed write of one record, as it was stored. */
export interface Write {
  readonly at: number;
  readonly execution: Execution;
  readonly text: string;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

/** Everything that was ever committed to a store's executions, in the order of the commits. */
export interface Ledger {
  readonly memory: Memory;
  readonly writes: ReadonlyMap<string, readonly Write[]>;
  latest(id: string): Write | undefined;
  /** Every record as it is now. */
  all(): readonly Write[];
  /** Number of commits, so that a reader can tell whether anything changed. */
  commits(): number;
  isOpen(): boolean;
  /** Whether a process let its lease run out, now or once. */
  hasLapsed(process: string): boolean;
}

/** A memory for a store that keeps what is written into it, seen below every wrapper and cache. */
export function createLedger(now: () => number, onWrite: (before: Write | undefined, after: Write) => void): Ledger {
  const memory = createMemory();
  const writes = new Map<string, Write[]>();
  let commits = 0;
  let open = 0;

  const note = (id: string, row: Row) => {
    const past = writes.get(id) ?? [];
    const before = past.at(-1);
    const write = { at: now(), execution: executions.parse(JSON.parse(row.text)), text: row.text, parts: row.parts };
    commits++;
    if (before === undefined || isFinal(before.execution)) open++;
    if (isFinal(write.execution)) open--;
    writes.set(id, [...past, write]);
    onWrite(before, write);
  };
  class Rowbook extends Map<string, Row> {
    override set(id: string, row: Row): this {
      super.set(id, row);
      note(id, row);
      return this;
    }
  }
  memory.rows.set(executions.name, new Rowbook());

  const lapsed = new Set<string>();
  const expiry = new Map<string, number>();
  class Leasebook extends Map<string, Row> {
    override set(id: string, row: Row): this {
      if ((expiry.get(id) ?? Number.POSITIVE_INFINITY) <= now()) lapsed.add(id);
      expiry.set(id, row.order);
      return super.set(id, row);
    }
  }
  memory.rows.set(leases.name, new Leasebook());

  const latest = (id: string) => writes.get(id)?.at(-1);
  return {
    memory,
    writes,
    latest,
    all: () => [...writes.values()].flatMap((past) => past.at(-1) ?? []),
    commits: () => commits,
    isOpen: () => open > 0,
    hasLapsed: (process) => lapsed.has(process) || (expiry.get(process) ?? 0) <= now(),
  };
}
