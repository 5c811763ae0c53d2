import { judge, showSeen } from './judge.ts';
import { knownOf } from './known.ts';
import type { Place } from './place.ts';
import { type Expected, type Program, type SandboxName, succeeded, within } from './program.ts';
import { expectedCell, notRun, type Outcome, type Report } from './report.ts';

/** One program in one sandbox. */
export interface Trial {
  readonly program: Program;
  readonly sandbox: SandboxName;
  readonly expected: Expected;
}

/** A record that is this much later than it must be is reported as it is then. */
const patienceSeconds = 60;

export function trialsOf(programs: readonly Program[], sandbox: SandboxName): readonly Trial[] {
  return programs.flatMap((program) => {
    const expected = program.expected[sandbox];
    return expected === undefined ? [] : [{ program, sandbox, expected }];
  });
}

/** What an honest program must see wherever a hostile one ran before it. */
export const clean = {
  expected: { endings: succeeded, stdout: { is: 'clean\n' }, stderr: { is: '' }, ...within(3) },
  of: (language: Program['language']) => ({
    language,
    code: language === 'python' ? 'print("clean")' : 'console.log("clean")',
  }),
};

/** Runs a few programs, and a clean one after them. */
export async function tryBatch(place: Place, batch: readonly Trial[], report: Report): Promise<void> {
  for (const trial of batch) report.add(isNotRun(trial) ? leftOut(trial) : await tryProgram(place, trial));
  await tryClean(place, batch, report);
}

/** Runs a clean program after those. */
export async function tryClean(place: Place, batch: readonly Trial[], report: Report): Promise<void> {
  const seen = await place.run(clean.of(batch[0]?.program.language ?? 'python'), patienceSeconds);
  report.clean({
    after: batch.map(({ program }) => program.name),
    seconds: seen.seconds,
    problems: judge(clean.expected, seen),
  });
}

const isNotRun = ({ program, sandbox }: Trial) => knownOf(program.name, sandbox)?.notRun === true;

function leftOut({ program, sandbox, expected }: Trial): Outcome {
  return {
    name: program.name,
    sandbox,
    expected: expectedCell(expected),
    got: notRun,
    seconds: 0,
    problems: ['it was not run'],
  };
}

export async function tryProgram(place: Place, { program, sandbox, expected }: Trial): Promise<Outcome> {
  const prepared = program.before === undefined ? [] : await prepare(place, program, program.before);
  const seen = await place.run(program, expected.withinSeconds + patienceSeconds);
  return {
    ...{ name: program.name, sandbox, expected: expectedCell(expected), got: showSeen(seen), seconds: seen.seconds },
    problems: [...prepared, ...judge(expected, seen)],
  };
}

async function prepare(place: Place, { language }: Program, code: string): Promise<readonly string[]> {
  const seen = await place.run({ language, code }, patienceSeconds);
  const problems = judge({ endings: succeeded, ...within(patienceSeconds) }, seen);
  return problems.map((problem) => `the program before it: ${problem}`);
}

/** As many in each as there may be. */
export function batches<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** Does something with every item, at most so many at a time. */
export async function inLanes<T>(lanes: number, items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const drive = async () => {
    for (const item of queue) await each(item);
  };
  await Promise.all(Array.from({ length: lanes }, drive));
}
