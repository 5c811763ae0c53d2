import { judge, showSeen } from './judge.ts';
import type { Place } from './place.ts';
import { type Expected, type Program, type SandboxName, succeeded, within } from './program.ts';
import { expectedCell, type Outcome } from './report.ts';

/** One program in one sandbox. */
export interface Trial {
  readonly program: Program;
  readonly sandbox: SandboxName;
  readonly expected: Expected;
}

/** A record that is this much later than it must be is reported as it is then. */
const patienceSeconds = 30;

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

/** Runs the program, and a clean one after it. */
export async function tryProgram(place: Place, { program, sandbox, expected }: Trial): Promise<Outcome> {
  const prepared = program.before === undefined ? [] : await prepare(place, program, program.before);
  const seen = await place.run(program, expected.withinSeconds + patienceSeconds);
  const problems = [...prepared, ...judge(expected, seen)];
  const after = await place.run(clean.of(program.language), clean.expected.withinSeconds + patienceSeconds);
  const dirty = judge(clean.expected, after).map((problem) => `a clean program after it: ${problem}`);
  return {
    ...{ name: program.name, sandbox, expected: expectedCell(expected), got: showSeen(seen), seconds: seen.seconds },
    problems: [...problems, ...dirty],
    cleanSeconds: after.seconds,
  };
}

async function prepare(place: Place, { language }: Program, code: string): Promise<readonly string[]> {
  const seen = await place.run({ language, code }, patienceSeconds);
  const problems = judge({ endings: succeeded, ...within(patienceSeconds) }, seen);
  return problems.map((problem) => `the program before it: ${problem}`);
}

/** Does something with every item, at most so many at a time. */
export async function inLanes<T>(lanes: number, items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const drive = async () => {
    for (const item of queue) await each(item);
  };
  await Promise.all(Array.from({ length: lanes }, drive));
}
