import { deepRaces, type Job, pairs, races, randoms, singles } from './jobs.ts';
import { mutants } from './mutants.ts';
import { hunt } from './plant.ts';
import { play } from './play.ts';
import { doAll, inParallel } from './pool.ts';
import { parseSchedule } from './schedule.ts';
import { epochMs } from './time.ts';
import type { Failure, Work } from './work.ts';

/** Fewer schedules would mean that something was left out without a word. */
const leastSchedules = 20_000;
const seeds = 400;

const [flag, text = ''] = process.argv.slice(2);
if (flag === '--replay') await replay(text);
else if (flag === undefined) await run();
else {
  console.error("usage: run.ts [--replay '<schedule>']; FAULTS_MINUTES=30 goes on with new seeds for so long");
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

/** Plays everything, then sees whether it would have noticed the known mistakes. */
async function run(): Promise<void> {
  let schedules = 0;
  const failures: Failure[] = [];
  const note = (work: Work) => {
    schedules += work.schedules;
    for (const failure of work.failures) {
      failures.push(failure);
      console.log(`violation of ${failure.invariant}: ${failure.message}\n  ${failure.replay}`);
    }
  };
  for (const [name, jobs] of Object.entries(suite())) {
    const before = schedules;
    await doAll(jobs, note);
    console.log(`${name}: ${schedules - before}`);
  }
  const missed = await tryMutants();
  const caught = mutants.length - missed;
  console.log(`schedules ${schedules}, violations ${failures.length}, mutants caught ${caught} of ${mutants.length}`);
  process.exitCode = failures.length > 0 || missed > 0 || schedules < leastSchedules ? 1 : 0;
}

function suite(): Readonly<Record<string, Iterable<Job>>> {
  const minutes = Number(process.env['FAULTS_MINUTES'] ?? 0);
  return {
    'single faults': singles(),
    'pairs of faults': pairs(),
    interleavings: [...races(), ...deepRaces()],
    'random worlds': randoms(seeds),
    ...(minutes > 0 ? { 'more random worlds': newWorlds(minutes) } : {}),
  };
}

/** Worlds that were never drawn before, until the minutes are over. */
function* newWorlds(minutes: number): Generator<Job> {
  const end = Date.now() + minutes * 60_000;
  for (let from = Math.floor(Date.now() / 1000); Date.now() < end; from += 25) yield* randoms(25, from);
}

async function tryMutants(): Promise<number> {
  let missed = 0;
  await inParallel(mutants, async (mutant) => {
    const { caught, by } = await hunt(mutant);
    if (caught) return;
    missed++;
    console.log(`not noticed: ${mutant.name}\n  ${by}`);
  });
  return missed;
}
