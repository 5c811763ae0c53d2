import type { Ports, Recorder } from './ports.ts';
import { watch } from './watch.ts';

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
 * does. It gives up its lease before it looks for open executions the last time: who records one either sees no lease,
 * and asks for a relay, or is seen. Repeating it, also at once, is harmless.
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
  while (clock.now() < heldUntil && clock.now() - busyAt < times.idle && clock.now() - began < times.longest) {
    await clock.sleep(times.renewal);
    try {
      if (!(await lease.renew())) return;
      heldUntil = clock.now() + times.lease;
      if ((await firstOpen(ports)) !== undefined) busyAt = clock.now();
    } catch (error) {
      onError(error);
    }
  }
}

async function firstOpen({ store, sandbox }: Ports): Promise<string | undefined> {
  const equal = { open: 'yes', target: sandbox.target };
  const { items } = await store.executions.query({ equal, direction: 'ascending', limit: 1 });
  return items[0]?.id;
}
