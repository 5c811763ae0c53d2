import { type FaultKind, type Faults, InjectedFault } from './fault.ts';
import { type Process, stallMs } from './process.ts';
import type { VirtualTime } from './time.ts';

/** A use case that runs in a process: the first half of every point's name. */
export interface Actor {
  readonly process: Process;
  readonly useCase: string;
}

/** A call that arrived at its failpoint. */
export interface Arrival {
  readonly point: string;
  readonly at: number;
  /** What was done to it, undefined when it was let through. */
  readonly kind: FaultKind | undefined;
}

export interface Failpoints {
  /** Every arrival so far, in order. */
  readonly trace: readonly Arrival[];
  /** The moment from which on nothing that was done to a call goes on. */
  quietFrom(): number;
  /** Lets a call through, or does to it what is planned; a dead process's call never returns. */
  pass<T>(actor: Actor, call: string, effect: (kind: FaultKind | undefined) => Promise<T>): Promise<T>;
  /** Nothing is done to any call from now on. */
  stopFaults(): void;
  /** Names the point of something that is not a call, and tells what is planned for it. */
  arrive(actor: Actor, call: string): FaultKind | undefined;
}

export interface FailpointsOptions {
  readonly time: VirtualTime;
  readonly faults: (point: string, ordinal: number) => FaultKind | undefined;
  /** Holds a call back until its turn comes. */
  readonly turn: (actor: Actor, point: string) => Promise<void>;
  /** Calls beyond this stop the world: something runs in circles. */
  readonly mostCalls: number;
  readonly onViolation: (invariant: string, message: string) => void;
}

/** Milliseconds that some faults go on. */
const lastsMs: Partial<Record<FaultKind, number>> = { hang: 120_000, stall: stallMs, reorder: 15_000 };

/** The plan that does what a map says. */
export function planned(faults: Faults): FailpointsOptions['faults'] {
  return (point) => faults.get(point);
}

export function failpoints(options: FailpointsOptions): Failpoints {
  const { time, turn, mostCalls, onViolation } = options;
  const ordinals = new Map<string, number>();
  const trace: Arrival[] = [];
  let quietFrom = time.now();
  let stopped = false;

  const name = (actor: Actor, call: string) => {
    const place = `${actor.useCase}:${call}`;
    const ordinal = (ordinals.get(place) ?? 0) + 1;
    ordinals.set(place, ordinal);
    return { point: `${place}#${ordinal}`, ordinal };
  };
  const plan = ({ point, ordinal }: ReturnType<typeof name>) => {
    const kind = stopped ? undefined : options.faults(point, ordinal);
    trace.push({ point, at: time.now(), kind });
    if (kind !== undefined) quietFrom = Math.max(quietFrom, time.now() + (lastsMs[kind] ?? 0));
    return kind;
  };

  return {
    trace,
    quietFrom: () => quietFrom,
    stopFaults: () => {
      stopped = true;
    },
    arrive: (actor, call) => plan(name(actor, call)),
    async pass(actor, call, effect) {
      const { process } = actor;
      const named = name(actor, call);
      if (process.acknowledged) onViolation('I11', `${named.point} is called after the work was acknowledged`);
      if (trace.length === mostCalls) onViolation('I14', `more than ${mostCalls} calls, the last ${named.point}`);
      if (trace.length >= mostCalls) return new Promise(() => {});
      process.underway++;
      await turn(actor, named.point);
      await process.awake();
      const kind = plan(named);
      try {
        return await apply(actor, named.point, kind, effect);
      } finally {
        process.underway--;
      }
    },
  };
}

async function apply<T>(
  { process }: Actor,
  point: string,
  kind: FaultKind | undefined,
  effect: (kind: FaultKind | undefined) => Promise<T>,
): Promise<T> {
  const done = async () => {
    try {
      return await effect(kind);
    } finally {
      await process.awake();
    }
  };
  switch (kind) {
    case undefined:
    case 'reorder':
      return done();
    case 'error-before':
      throw new InjectedFault(point, kind);
    case 'error-after':
      await done();
      throw new InjectedFault(point, kind);
    case 'crash-before':
      return process.crash();
    case 'crash-after':
      await done().catch(() => {
        // The process does not live to see the error.
      });
      return process.crash();
    case 'hang':
      return process.hang(new InjectedFault(point, kind));
    case 'stall':
      process.freeze();
      await process.awake();
      return done();
    case 'duplicate':
      await done();
      return done();
  }
}
