import type { Execution } from '../execution/execution.ts';
import { withinTraceOf } from '../telemetry/trace.ts';
import { enforceDeadlines } from './deadlines.ts';
import { pages } from './pages.ts';
import type { Ports, Recorder } from './ports.ts';
import { watch } from './watch.ts';

/**
 * Open executions one look goes over, oldest first: in the order of the queue those that run are among them. The
 * reconciler looks at the others.
 */
const lookSize = 200;

/** Milliseconds. The lease outlives two renewals that fail. */
const times = { lease: 15_000, renewal: 5_000, idle: 60_000, longest: 480_000 };
const leaseId = 'relay';

/** Tells whether somebody relays what the sandbox shows. To be asked after the record was written, see `relay`. */
export async function isRelayed({ store, clock }: Recorder): Promise<boolean> {
  const lease = await store.leases.get(leaseId);
  return lease !== undefined && lease.expiresAt > clock.now();
}

/**
 * Watches for as long as there is something to watch and a minute more, eight minutes at most, unless somebody else
 * does; meanwhile it looks every five seconds whether some execution's time is up. It gives up its lease before it
 * looks for open executions the last time: who records one either sees no lease, and asks for a relay, or is seen.
 * Repeating it, also at once, is harmless.
 */
export async function relay(ports: Ports, onError: (error: unknown) => void): Promise<void> {
  const lease = await claim(ports);
  if (lease === undefined) return;
  const over = new AbortController();
  const watching = watch(ports, over.signal, onError);
  try {
    await hold(ports, lease, onError);
  } finally {
    over.abort();
    await watching;
  }
  await lease.release();
  const open = await firstOpen(ports);
  if (open !== undefined) await ports.bus.publish('watch-wanted', { executionId: open });
}

interface HeldLease {
  /** False when somebody else has it. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}

/** While a lease lasts only its holder changes it, so that its end also tells whose it is. */
async function claim({ store: { leases }, clock }: Ports): Promise<HeldLease | undefined> {
  let mine = clock.now() + times.lease;
  const { created } = await leases.create({ id: leaseId, expiresAt: mine });
  const exchange = async (mayChange: (expiresAt: number) => boolean, expiresAt: number) => {
    let changed = false;
    await leases.update(leaseId, (lease) => {
      changed = mayChange(lease.expiresAt);
      return changed ? { ...lease, expiresAt } : lease;
    });
    return changed;
  };
  if (!created && !(await exchange((expiresAt) => expiresAt <= clock.now(), mine))) return undefined;
  return {
    renew: async () => {
      const next = clock.now() + times.lease;
      const renewed = await exchange((expiresAt) => expiresAt === mine, next);
      if (renewed) mine = next;
      return renewed;
    },
    release: async () => void (await exchange((expiresAt) => expiresAt === mine, 0)),
  };
}

/** Resolves when the relay is to end. */
async function hold(ports: Ports, lease: HeldLease, onError: (error: unknown) => void): Promise<void> {
  const { clock } = ports;
  const began = clock.now();
  let busyAt = began;
  let heldUntil = began + times.lease;
  const enforced = new Set<string>();
  while (clock.now() < heldUntil && clock.now() - busyAt < times.idle && clock.now() - began < times.longest) {
    await clock.sleep(times.renewal);
    try {
      if (!(await lease.renew())) return;
      heldUntil = clock.now() + times.lease;
      if (await look(ports, enforced, onError)) busyAt = clock.now();
    } catch (error) {
      onError(error);
    }
  }
}

/**
 * Enforces the deadlines of what is open, and tells whether anything is. Once for each: from then on its message is
 * delivered until something was done, and the reconciler looks too.
 */
async function look(ports: Ports, enforced: Set<string>, onError: (error: unknown) => void): Promise<boolean> {
  const enforce = async (execution: Execution) => {
    const acted = await withinTraceOf(execution, () => enforceDeadlines(ports, execution));
    if (acted) enforced.add(momentOf(execution));
  };
  let seen = 0;
  for await (const page of pages(ports.store, openHere(ports))) {
    const others = page.filter((execution) => !enforced.has(momentOf(execution)));
    await Promise.all(others.map((execution) => enforce(execution).catch(onError)));
    seen += page.length;
    if (seen >= lookSize) break;
  }
  return seen > 0;
}

/** Each state has a deadline of its own. */
function momentOf({ id, state }: Execution): string {
  return `${id} ${state}`;
}

async function firstOpen(ports: Ports): Promise<string | undefined> {
  const { items } = await ports.store.executions.query({ equal: openHere(ports), direction: 'ascending', limit: 1 });
  return items[0]?.id;
}

function openHere({ sandbox }: Ports) {
  return { open: 'yes', target: sandbox.target };
}
