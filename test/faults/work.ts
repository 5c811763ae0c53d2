import type { DeploymentName } from './deployment.ts';
import { dice, hashOf } from './dice.ts';
import { explore } from './explore.ts';
import { type FaultKind, kindsAt } from './fault.ts';
import { type Job, scenariosOf } from './jobs.ts';
import type { Violation } from './lab.ts';
import { play } from './play.ts';
import { parseSchedule, replayCommand, type Schedule } from './schedule.ts';
import type { Outcome } from './settle.ts';
import { shrink } from './shrink.ts';

/** A schedule that broke an invariant, made as small as it can be. */
export interface Failure {
  readonly invariant: string;
  readonly message: string;
  readonly replay: string;
}

export interface Work {
  readonly schedules: number;
  readonly failures: readonly Failure[];
}

/** Plays one schedule and remembers what was wrong with it; undefined when enough was wrong already. */
type Try = (schedule: Schedule) => Promise<Outcome | undefined>;

export interface WorkOptions {
  /** Failures after which a job ends. */
  readonly mostFailures: number;
  /** Whether failures are made small, which costs hundreds of runs. */
  readonly shrinks: boolean;
  /** Part of the schedules that are played, the same ones every time. */
  readonly share: number;
}

/** Does a job; every schedule of it is played in a world of its own. */
export async function work(job: Job, { mostFailures, shrinks, share }: WorkOptions): Promise<Work> {
  const failures: Failure[] = [];
  let schedules = 0;
  let drawn = 0;
  const attempt: Try = async (schedule) => {
    if (failures.length >= mostFailures) return undefined;
    schedules++;
    const outcome = await play(schedule);
    const [violation] = outcome.violations;
    if (violation !== undefined) {
      failures.push(shrinks ? await failureOf(schedule, violation) : named(schedule, violation));
    }
    return outcome;
  };
  const sampled: Try = async (schedule) =>
    Math.floor(++drawn * share) > Math.floor((drawn - 1) * share) ? attempt(schedule) : undefined;
  switch (job.kind) {
    case 'schedules':
      for (const text of job.texts) await attempt(parseSchedule(text));
      break;
    case 'undisturbed':
      for (const scenario of scenariosOf(job.deployment)) {
        await attempt({ mode: 'play', deployment: job.deployment, scenario, faults: new Map() });
      }
      break;
    case 'singles':
      await playSingles(job, attempt, sampled);
      break;
    case 'pairs':
      await playPairs(job, attempt, sampled);
      break;
    case 'races':
      await playRaces(job, attempt, share);
      break;
    case 'random':
      for (let seed = job.from; seed < job.to; seed++) {
        await sampled({ mode: 'random', deployment: job.deployment, seed, keep: undefined, faults: undefined });
      }
  }
  return { schedules, failures };
}

/** Makes a schedule that broke an invariant as small as it can be. */
export async function failureOf(schedule: Schedule, violation: Violation): Promise<Failure> {
  return named(await shrink(schedule), violation);
}

function named(schedule: Schedule, violation: Violation): Failure {
  return { ...violation, replay: replayCommand(schedule) };
}

type JobOf<K extends Job['kind']> = Extract<Job, { kind: K }>;

async function playSingles({ deployment, scenario }: JobOf<'singles'>, attempt: Try, sampled: Try): Promise<void> {
  const faultless = await attempt({ mode: 'play', deployment, scenario, faults: new Map() });
  for (const [point, kind] of faultsOf(faultless, deployment, 0)) {
    await sampled({ mode: 'play', deployment, scenario, faults: new Map([[point, kind]]) });
  }
}

type Fault = readonly [point: string, kind: FaultKind];

/** Every fault that can be put into what a run did from a call on. */
function faultsOf(outcome: Outcome | undefined, deployment: DeploymentName, from: number): Fault[] {
  const points = new Set(outcome?.trace.slice(from).map(({ point }) => point));
  return [...points].flatMap((point) => kindsAt(point, deployment).map((kind) => [point, kind] as const));
}

async function playPairs({ slice, slices, ...job }: JobOf<'pairs'>, attempt: Try, sampled: Try): Promise<void> {
  const { deployment, scenario, reach } = job;
  const faultless = await attempt({ mode: 'play', deployment, scenario, faults: new Map() });
  const path = new Set(faultless?.trace.map(({ point }) => point));
  const isMeant = ([point]: Fault) =>
    (reach !== 'ports' || !point.includes(':api.')) && (reach === 'recovery' || path.has(point));
  const firsts = faultsOf(faultless, deployment, 0).filter(isMeant);
  for (const first of firsts.filter((_, index) => index % slices === slice)) {
    const alone = await attempt({ mode: 'play', deployment, scenario, faults: new Map([first]) });
    const at = alone?.trace.findIndex(({ point }) => point === first[0]) ?? 0;
    for (const second of faultsOf(alone, deployment, at + 1).filter(isMeant)) {
      await sampled({ mode: 'play', deployment, scenario, faults: new Map([first, second]) });
    }
  }
}

/** Orders with many detours, and now and then a stranger who deletes the Job, for each pair of racers. */
const wildOrders = 6;

async function playRaces(job: JobOf<'races'>, attempt: Try, share: number): Promise<void> {
  const { deployment, state, actors, detours } = job;
  for (const tempo of ['still', 'quick'] as const) {
    const race = { state, actors, tempo } as const;
    const run = async (order: string) => {
      const outcome = await attempt({ mode: 'race', deployment, race, order });
      return outcome?.decisions ?? [];
    };
    // A stranger's theft matters to whoever makes Jobs; afterwards it is one of the scenarios.
    await explore(run, { detours: share === 1 ? detours : 0, thefts: actors.includes('launch') });
    const random = dice(hashOf(1, [deployment, state, ...actors, tempo].join()));
    for (let count = 0; count < wildOrders * share; count++) {
      const wildness = random.pick([0.15, 0.5]);
      let turn = random.pick(['a', 'b']);
      let order = '';
      for (let step = 0; step < 24; step++) {
        if (random.chance(wildness)) turn = random.pick(['a', 'b', '+']);
        order += random.chance(0.02) ? `t${turn}` : turn;
      }
      await run(order);
    }
  }
}
