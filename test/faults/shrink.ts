import type { Faults } from './fault.ts';
import { play } from './play.ts';
import { faultsIn, partsOf } from './random.ts';
import type { Schedule } from './schedule.ts';

/** Runs a failing schedule may be tried with less; enough for the smallest, and an end for the rest. */
const mostTries = 400;

/** Leaves out of a failing schedule whatever it fails without, until nothing more can go. */
export async function shrink(schedule: Schedule): Promise<Schedule> {
  const { violations, ...outcome } = await play(schedule);
  const invariant = violations[0]?.invariant;
  if (invariant === undefined) return schedule;
  let tries = mostTries;
  const fails = async (candidate: Schedule) => {
    if (tries-- <= 0) return false;
    return (await play(candidate)).violations[0]?.invariant === invariant;
  };
  switch (schedule.mode) {
    case 'play': {
      const faults = await fewest([...schedule.faults], (some) => fails({ ...schedule, faults: new Map(some) }));
      return { ...schedule, faults: new Map(faults) };
    }
    case 'race': {
      const order = await fewest([...schedule.order], (some) => fails({ ...schedule, order: some.join('') }));
      return { ...schedule, order: order.join('') };
    }
    case 'random':
      return shrinkRandom(schedule, faultsIn({ violations, ...outcome }), fails);
  }
}

type Random = Extract<Schedule, { mode: 'random' }>;

async function shrinkRandom(
  schedule: Random,
  happened: Faults,
  fails: (candidate: Schedule) => Promise<boolean>,
): Promise<Schedule> {
  const all = Array.from({ length: partsOf(schedule.seed, schedule.deployment) }, (_, index) => index);
  const explicit: Random = { ...schedule, faults: schedule.faults ?? happened, keep: schedule.keep ?? all };
  if (!(await fails(explicit))) return schedule;
  const faults = await fewest([...(explicit.faults ?? [])], (some) => fails({ ...explicit, faults: new Map(some) }));
  const fewer = { ...explicit, faults: new Map(faults) };
  const keep = await fewest(explicit.keep ?? [], (some) => fails({ ...fewer, keep: some }));
  return { ...fewer, keep };
}

/** Delta debugging: drops halves, then quarters, down to single items. */
async function fewest<T>(items: readonly T[], fails: (some: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let kept = items;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const without = kept.filter((_, index) => index < at || index >= at + size);
      if (without.length < kept.length && (await fails(without))) kept = without;
      else at += size;
    }
  }
  return kept;
}
