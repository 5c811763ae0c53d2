import { showExpected } from './judge.ts';
import { knownOf } from './known.ts';
import type { Expected, SandboxName } from './program.ts';

/** What a program that is listed and not tried has come to. */
export const notRun = 'not run';

export interface Outcome {
  readonly name: string;
  readonly sandbox: SandboxName;
  readonly expected: string;
  readonly got: string;
  readonly seconds: number;
  readonly problems: readonly string[];
  /** A figure that is worth a line. */
  readonly note?: string;
}

interface CleanRun {
  readonly after: readonly string[];
  readonly seconds: number;
  readonly problems: readonly string[];
}

export interface Report {
  header(): void;
  add(outcome: Outcome): void;
  /** A clean program that ran after those; only what is wrong with it gets a line. */
  clean(ran: CleanRun): void;
  /** Things that are there and should be gone. */
  left(things: readonly string[]): void;
  /** Prints the last line; true when nothing was a surprise and nothing was left. */
  close(): boolean;
}

const widths = { name: 72, sandbox: 10, expected: 48, got: 24, seconds: 6 };

/** The table, a line as soon as a program has ended. */
export function newReport(print: (line: string) => void): Report {
  let programs = 0;
  let surprises = 0;
  let knownOnes = 0;
  let leftBehind = 0;
  const cleanSeconds: number[] = [];
  return {
    header: () => print(line('program', 'sandbox', 'expected', 'got', 'time', '')),
    add: (outcome) => {
      const { verdict, details } = verdictOf(outcome);
      if (outcome.got !== notRun) programs++;
      if (verdict === 'known') knownOnes++;
      if (verdict === 'SURPRISE') surprises++;
      const { name, sandbox, expected, got, seconds } = outcome;
      print(line(name, sandbox, expected, got, `${seconds.toFixed(1)} s`, verdict));
      for (const detail of [...details, ...(outcome.note === undefined ? [] : [outcome.note])]) print(`    ${detail}`);
    },
    clean: ({ after, seconds, problems }) => {
      cleanSeconds.push(seconds);
      if (problems.length === 0) return;
      surprises++;
      print(`SURPRISE: a clean program after ${after.join(', ')}: ${problems.join('; ')}`);
    },
    left: (things) => {
      leftBehind += things.length;
      for (const thing of things) print(`left behind: ${thing}`);
    },
    close: () => {
      print(
        `clean programs after them ${cleanSeconds.length}, the slowest ${Math.max(0, ...cleanSeconds).toFixed(1)} s`,
      );
      if (knownOnes > 0) print(`known not to end as they should ${knownOnes}`);
      print(`programs ${programs}, surprises ${surprises}, left behind ${leftBehind}`);
      return programs > 0 && surprises === 0 && leftBehind === 0;
    },
  };
}

function verdictOf({ name, sandbox, problems }: Outcome): { verdict: string; details: readonly string[] } {
  const entry = knownOf(name, sandbox);
  if (problems.length === 0 && entry === undefined) return { verdict: 'ok', details: [] };
  if (entry === undefined) return { verdict: 'SURPRISE', details: problems };
  if (problems.length > 0) return { verdict: 'known', details: [...problems, entry.why] };
  return {
    verdict: 'SURPRISE',
    details: [`it ends as it should: take it off the list of what is known (${entry.why})`],
  };
}

function line(name: string, sandbox: string, expected: string, got: string, time: string, verdict: string): string {
  const cells = [
    name.padEnd(widths.name),
    sandbox.padEnd(widths.sandbox),
    expected.padEnd(widths.expected),
    got.padEnd(widths.got),
    time.padStart(widths.seconds),
    verdict,
  ];
  return cells.join(' ').trimEnd();
}

/** The cell that tells what must be seen. */
export function expectedCell(expected: Expected): string {
  return `${showExpected(expected)}, ${expected.withinSeconds} s`;
}
