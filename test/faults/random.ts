import { finalStates } from '../../src/execution/execution.ts';
import type { Disruption } from '../../src/sandbox/memory/disruption.ts';
import { defaultDelaysMs } from '../../src/sandbox/memory/state.ts';
import type { DeploymentName } from './deployment.ts';
import { type Dice, dice, hashOf } from './dice.ts';
import { type FailpointsOptions, planned } from './failpoints.ts';
import { type Faults, kindsAt } from './fault.ts';
import type { ProgramName } from './programs.ts';
import type { Happening, Order, Scenario } from './scenario.ts';
import type { Schedule } from './schedule.ts';
import type { Outcome } from './settle.ts';
import { simulate } from './simulate.ts';

type Random = Extract<Schedule, { mode: 'random' }>;

/** Something a random world is made of, so that shrinking can leave it out. */
type Part = { readonly order: Order } | { readonly happening: Happening };

interface World {
  readonly parts: readonly Part[];
  readonly scenario: Omit<Scenario, 'orders' | 'happenings'>;
  readonly faults: FailpointsOptions['faults'];
}

/** Faults are drawn only for the first calls of each kind, so that every world comes to rest. */
const faultyOrdinals = 40;

/** Plays what a seed says, or what shrinking left of it. */
export function playRandom({ deployment, seed, keep, faults }: Random): Promise<Outcome> {
  const world = worldOf(seed, deployment);
  const kept = world.parts.filter((_, index) => keep === undefined || keep.includes(index));
  const orders = kept.flatMap((part) => ('order' in part ? [part.order] : []));
  const happenings = kept.flatMap((part) => ('happening' in part ? [part.happening] : []));
  return simulate({
    deployment,
    scenario: { ...world.scenario, orders, happenings },
    faults: faults === undefined ? world.faults : planned(faults),
    faultless: false,
  });
}

/** How many parts a seed's world has. */
export function partsOf(seed: number, deployment: DeploymentName): number {
  return worldOf(seed, deployment).parts.length;
}

/** The faults that really befell a run, so that it can be played without its dice. */
export function faultsIn({ trace }: Outcome): Faults {
  return new Map(trace.flatMap(({ point, kind }) => (kind === undefined ? [] : [[point, kind] as const])));
}

function worldOf(seed: number, deployment: DeploymentName): World {
  const random = dice(hashOf(seed, deployment));
  const orders = ordersOf(random);
  const happenings = orders.flatMap((order) => happeningsOf(random, order, deployment));
  const rate = random.pick([0.005, 0.02, 0.05, 0.15]);
  const slowness = random.pick([1, 1, 3, 20]);
  const jitterMs = random.pick([1, 5, 40]);
  return {
    parts: [...orders.map((order) => ({ order })), ...happenings.map((happening) => ({ happening }))],
    scenario: {
      ends: finalStates,
      boundMs: 900_000,
      latency: (point) => 1 + (hashOf(seed, `${point} latency`) % jitterMs),
      processes: random.pick([1, 1, 2]),
      delay: (step) => defaultDelaysMs[step] * slowness * random.next() * 2,
      ...(random.chance(0.4) ? { quota: 1 + random.below(2) } : {}),
    },
    faults: (point, ordinal) => {
      if (ordinal > faultyOrdinals) return undefined;
      const own = dice(hashOf(seed, point));
      const kinds = kindsAt(point, deployment);
      return own.chance(rate) ? kinds[own.below(kinds.length)] : undefined;
    },
  };
}

const programs: readonly [ProgramName, ...ProgramName[]] = [
  'exit0',
  'exit0',
  'exit3',
  'segfault',
  'slow',
  'slow',
  'sleeper',
  'limited',
  'frozen',
  'greedy',
  'killer',
  'big',
  'hasty',
];

function ordersOf(random: Dice): Order[] {
  const sites = random.chance(0.15) ? 2 : 1;
  const orders = Array.from({ length: 1 + random.below(5) }, (_, index) => ({
    name: `e${index}`,
    program: random.pick(programs),
    atMs: random.below(2_000),
    site: random.below(sites),
  }));
  const [first] = orders;
  if (first !== undefined && random.chance(0.3)) orders.push({ ...first, atMs: random.below(4_000) });
  return orders;
}

/** What can befall a pod whose container runs, and what can befall any. */
const disruptions = {
  started: ['evicted', 'drained', 'preempted', 'disk_full', 'out_of_memory', 'status_unknown'],
  any: ['pod_deleted', 'job_deleted', 'vanished'],
} as const satisfies Record<string, readonly Disruption[]>;

function happeningsOf(random: Dice, { name }: Order, deployment: DeploymentName): Happening[] {
  const afterMs = random.pick([0, 1, 3, 20, 200, 800, 3_000]);
  const state = random.pick(['ACCEPTED', 'LAUNCHING', 'RUNNING', 'STOPPING'] as const);
  const when: Happening['when'] = (view) => view.state(name) === state;
  const howStarted = random.pick(disruptions.started);
  const howAny = random.pick(disruptions.any);
  const isStarted: Happening['when'] = (view) => view.starts(name) > 0;
  const dice = random.next();
  if (dice < 0.25) return [{ when, afterMs, act: (hands) => hands.cancel(name) }];
  if (dice < 0.4 && deployment !== 'gated') {
    if (random.chance(0.5)) return [{ when, afterMs, act: (hands) => hands.disrupt(name, howAny) }];
    return [{ when: isStarted, afterMs, act: (hands) => hands.disrupt(name, howStarted) }];
  }
  if (dice < 0.5) return [{ when, afterMs, act: ({ cluster }) => cluster.cutWatches() }];
  if (dice < 0.6) return [{ when, afterMs, act: ({ cluster }) => cluster.expireWatches() }];
  if (dice < 0.65) return [{ when, afterMs, act: ({ cluster }) => cluster.duplicateWatchEvents(true) }];
  if (dice < 0.7) return [{ when, afterMs, act: (hands) => hands.deleteInForeground(name) }];
  return [];
}
