import { parseRequest, type Submission } from '../../src/execution/request.ts';
import type { Behaviour } from '../../src/sandbox/memory/behaviour.ts';

const encoder = new TextEncoder();

interface Program {
  /** What it does; it prints its own name, so that no output can pass for another's. */
  readonly behaviour: (name: string) => Behaviour;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Size at which the nodes of these clusters rotate a log: small, since thousands of them are written. */
export const logFileBytes = 64 * 1024;

const prints = (name: string) => ({ stdout: `out of ${name}\n`, stderr: `err of ${name}\n`, durationMs: 300 });
const never = { durationMs: 'forever' } as const;

/** What the executions of a schedule may run. Time limits are out of reach where they are not the point. */
export const programs = {
  exit0: { behaviour: prints },
  exit3: { behaviour: (name) => ({ ...prints(name), exitCode: 3 }) },
  segfault: { behaviour: (name) => ({ ...prints(name), signal: 11 }) },
  slow: { behaviour: (name) => ({ ...prints(name), durationMs: 2_500 }) },
  /** Longer than any launch asks for a slot. */
  patient: { behaviour: (name) => ({ ...prints(name), durationMs: 7_000 }) },
  sleeper: { behaviour: (name) => ({ ...prints(name), durationMs: 40_000 }) },
  forever: { behaviour: (name) => ({ ...prints(name), ...never, writes: later(name) }) },
  limited: { behaviour: (name) => ({ ...prints(name), ...never }), fields: { timeoutSeconds: 2 } },
  frozen: {
    behaviour: (name) => ({ ...prints(name), ...never, freezesSupervisor: true }),
    fields: { timeoutSeconds: 2 },
  },
  greedy: { behaviour: (name) => ({ ...prints(name), memoryMiB: 9_999 }) },
  killer: { behaviour: (name) => ({ ...prints(name), killsSupervisor: true }) },
  says124: { behaviour: (name) => ({ ...prints(name), exitCode: 124 }) },
  big: {
    behaviour: (name) => ({ ...prints(name), stdout: `${name} `.repeat(500) }),
    fields: { maxStdoutBytes: 1_000 },
  },
  /** Nobody inside ends it, and the clocks of pod and Job are the shortest there can be. */
  abandoned: {
    behaviour: (name) => ({ ...prints(name), ...never, freezesSupervisor: true }),
    fields: { timeoutSeconds: 2, startTimeoutSeconds: 1 },
  },
  /** Writes past its supervisor until the node rotates the log. */
  noisy: { behaviour: (name) => ({ ...prints(name), rawLogBytes: 2 * logFileBytes }) },
  hasty: { behaviour: prints, fields: { startTimeoutSeconds: 10 } },
} as const satisfies Record<string, Program>;
export type ProgramName = keyof typeof programs;

const programNames: ReadonlySet<string> = new Set(Object.keys(programs));

export function isProgramName(text: string): text is ProgramName {
  return programNames.has(text);
}

function later(name: string) {
  return [50, 150, 400].map((atMs) => ({
    atMs,
    stream: 'stdout' as const,
    bytes: encoder.encode(`${atMs} ${name}\n`),
  }));
}

/** The code that makes the cluster model behave as the program; `name` tells one execution of it from another. */
export function codeOf(program: ProgramName, name: string): string {
  return `${program} ${name}`;
}

/** What code made by `codeOf` does. */
export function behaviourOf(code: string): Behaviour {
  const [program = '', name = ''] = code.split(' ');
  if (!isProgramName(program)) throw new Error(`no program is called ${program}`);
  return programs[program].behaviour(name);
}

const submissions = new Map<string, Submission>();

/** A checked request to run a program; checking is not what these schedules are about, so it happens once. */
export function submissionOf(program: ProgramName, name: string): Submission {
  const code = codeOf(program, name);
  const known = submissions.get(code);
  if (known !== undefined) return known;
  const { fields = {} }: Program = programs[program];
  const body = {
    language: 'python',
    timeoutSeconds: 3600,
    startTimeoutSeconds: 3600,
    labels: { name },
    ...fields,
    code,
  };
  const parsed = parseRequest(body, { minimumMemoryMiB: () => 1, images: 'any' as const });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  submissions.set(code, parsed.submission);
  return parsed.submission;
}
