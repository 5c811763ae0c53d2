import { deploymentNames } from './deployment.ts';
import { deepRaces, type Job, pairs, races, randoms, singles, undisturbed } from './jobs.ts';
import { type Mutant, mutants } from './mutants.ts';
import { hunt, huntNothing } from './plant.ts';
import { play } from './play.ts';
import { doAll, inParallel } from './pool.ts';
import { parseSchedule, type Schedule } from './schedule.ts';
import { epochMs } from './time.ts';
import { type Failure, failureOf, type Work } from './work.ts';

/** Fewer schedules would mean that something was left out without a word. */
const leastSchedules = 20_000;
/** More violations than this say nothing new, and making them small takes long. */
const enoughFailures = 12;
const seeds = 400;
const usage = `usage: run.ts [--replay '<schedule>' | --seed <number>]
  FAULTS_MINUTES=30   all pairs of faults, also of recoveries, and random worlds for so long, from new seeds
  FAULTS_WORKERS=1    so many at a time; default: one for each core`;

const [flag, text = ''] = process.argv.slice(2);
if (flag === '--replay') await replay(text);
else if (flag === '--seed' && /^\d+$/.test(text)) await replaySeed(Number(text));
else if (flag === undefined) await run();
else {
  console.error(usage);
  process.exitCode = 2;
}

/** Plays one schedule and prints every call, what was done to it, and what became of everything. */
async function replay(schedule: string): Promise<void> {
  const { trace, journal, violations } = await play(parseSchedule(schedule));
  const calls = trace.map(({ at, point, kind = '' }) => ({ at, text: `${point} ${kind}`.trimEnd() }));
  const story = [...calls, ...journal].sort((a, b) => a.at - b.at);
  for (const { at, text } of story) console.log(`${at - epochMs} ms ${text}`);
  for (const { invariant, message } of violations) console.log(`violation of ${invariant}: ${message}`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}

/** Plays the random world of a seed in every deployment, and makes small what was wrong. */
async function replaySeed(seed: number): Promise<void> {
  for (const deployment of deploymentNames) {
    const schedule: Schedule = { mode: 'random', deployment, seed, keep: undefined, faults: undefined };
    const { violations } = await play(schedule);
    console.log(`random ${deployment}/${seed}: violations ${violations.length}`);
    const [violation] = violations;
    if (violation === undefined) continue;
    report(await failureOf(schedule, violation));
    process.exitCode = 1;
  }
}

/** Plays everything, then sees whether it would have noticed the known mistakes. */
async function run(): Promise<void> {
  let schedules = 0;
  let failures = 0;
  const note = (work: Work) => {
    schedules += work.schedules;
    failures += work.failures.length;
    work.failures.forEach(report);
  };
  for (const [name, jobs] of Object.entries(suite())) {
    const [before, began] = [schedules, Date.now()];
    await doAll(
      until(jobs, () => failures >= enoughFailures),
      note,
    );
    console.log(`${name}: ${schedules - before} schedules in ${secondsSince(began)} s`);
  }
  const caught = await tryMutants(failures);
  console.log(`schedules ${schedules}, violations ${failures}, mutants caught ${caught} of ${mutants.length}`);
  process.exitCode = failures > 0 || caught < mutants.length || schedules < leastSchedules ? 1 : 0;
}

/** Smaller parts first, so that what is broken is known early. */
function suite(): Readonly<Record<string, Iterable<Job>>> {
  const minutes = Number(process.env['FAULTS_MINUTES'] ?? 0);
  return {
    undisturbed: undisturbed(),
    'random worlds': randoms(seeds),
    interleavings: [...races(), ...deepRaces()],
    'single faults': singles(),
    'pairs of faults': pairs(minutes > 0),
    ...(minutes > 0 ? { [`random worlds for ${minutes} minutes`]: newWorlds(minutes) } : {}),
  };
}

/** Worlds that were never drawn before, until the minutes are over. */
function* newWorlds(minutes: number): Generator<Job> {
  const end = Date.now() + minutes * 60_000;
  for (let from = Math.floor(Date.now() / 1000); Date.now() < end; from += 25) yield* randoms(25, from);
}

function* until(jobs: Iterable<Job>, isEnough: () => boolean): Generator<Job> {
  for (const job of jobs) {
    if (isEnough()) return;
    yield job;
  }
}

function report({ invariant, message, replay }: Failure): void {
  console.log(`violation of ${invariant}: ${message}\n  ${replay}`);
}

function secondsSince(began: number): number {
  return Math.round((Date.now() - began) / 1000);
}

/** Tells how many mutants were noticed; where something is wrong without them, that would mean nothing. */
async function tryMutants(failures: number): Promise<number> {
  if (failures > 0) {
    console.log('no mutant is tried: there are violations without them');
    return 0;
  }
  const began = Date.now();
  let caught = 0;
  const trial = async (mutant: Mutant) => {
    const found = await hunt(mutant);
    if (found.caught) caught++;
    console.log(`${found.caught ? 'noticed' : 'NOT NOTICED'}: ${mutant.name}\n  ${found.by}`);
  };
  let unchanged: string | undefined;
  const control = async () => {
    unchanged = await huntNothing();
  };
  await inParallel([control, ...mutants.map((mutant) => () => trial(mutant))], (task) => task());
  console.log(`mutants: ${mutants.length} in ${secondsSince(began)} s`);
  if (unchanged === undefined) return caught;
  console.log(`what noticed them fails without them:\n  ${unchanged}`);
  return 0;
}
