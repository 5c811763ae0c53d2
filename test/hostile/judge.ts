import { z } from 'zod';
import type { FinalState } from '../../src/execution/execution.ts';
import { type Resource, readable } from '../../src/resource.ts';
import type { Ending, Expected, Printed } from './program.ts';

/** What became of a request. */
export type Seen =
  | { readonly kind: 'refused'; readonly seconds: number }
  | {
      readonly kind: 'recorded';
      readonly execution: Resource;
      readonly stdout: Uint8Array;
      readonly stderr: Uint8Array;
      /** From the request to its result. */
      readonly seconds: number;
    };
type Recorded = Extract<Seen, { kind: 'recorded' }>;

/** Says in one line each what is not as it must be; nothing when all is well. */
export function judge(expected: Expected, seen: Seen): readonly string[] {
  const ended = expected.endings.some((ending) => matches(ending, seen)) ? [] : [`it is ${showSeen(seen)}`];
  const late =
    seen.seconds > expected.withinSeconds ? [`${seen.seconds.toFixed(1)} s, not ${expected.withinSeconds}`] : [];
  if (seen.kind === 'refused') return [...ended, ...late];
  return [
    ...ended,
    ...late,
    ...judgeStream('stdout', expected.stdout, seen),
    ...judgeStream('stderr', expected.stderr, seen),
    ...judgeCompleteness(expected, seen),
    ...inconsistencies(seen),
  ];
}

function matches({ state, exitCode, signal }: Ending, seen: Seen): boolean {
  if (seen.kind === 'refused') return state === 'REFUSED';
  const { execution } = seen;
  return (
    execution.state === state &&
    (exitCode === undefined || execution.result?.exitCode === exitCode) &&
    (signal === undefined || execution.result?.signal === signal)
  );
}

type StreamName = 'stdout' | 'stderr';

function judgeStream(name: StreamName, printed: Printed | undefined, seen: Recorded): readonly string[] {
  if (printed === undefined) return [];
  const bytes = Buffer.from(seen[name]);
  const text = bytes.toString('latin1');
  const shown = `${name} is ${quoted(text)}`;
  const total = seen.execution.result?.[name].totalBytes ?? 0;
  const checks: readonly (readonly [boolean, string])[] = [
    [printed.is === undefined || bytes.equals(Buffer.from(printed.is)), shown],
    [(printed.like ?? []).every((pattern) => pattern.test(text)), shown],
    [!(printed.unlike ?? []).some((pattern) => pattern.test(text)), shown],
    [
      printed.keptBytes === undefined || bytes.length === printed.keptBytes,
      `${bytes.length} bytes of ${name} are kept`,
    ],
    [total >= (printed.leastTotalBytes ?? 0), `${total} bytes of ${name} were counted`],
  ];
  return [...new Set(checks.filter(([holds]) => !holds).map(([, problem]) => problem))];
}

function judgeCompleteness({ outputComplete }: Expected, { execution }: Recorded): readonly string[] {
  const told = execution.result?.outputComplete;
  return outputComplete === undefined || told === outputComplete ? [] : [`its output is called complete: ${told}`];
}

const faults: Partial<Readonly<Record<FinalState, string | null>>> = {
  ...{ SUCCEEDED: null, FAILED: 'program', KILLED: 'program' },
  ...{ TIMED_OUT: 'limit', MEMORY_LIMIT: 'limit', DISK_LIMIT: 'limit' },
};

/** What must hold of the record of whatever program. */
function inconsistencies({ execution, stdout, stderr }: Recorded): readonly string[] {
  const { result, limits, state } = execution;
  if (result === null) return ['it has no result'];
  const streams = [
    { name: 'stdout', bytes: stdout, kept: stdout.length, cap: limits.maxStdoutBytes, told: result.stdout },
    { name: 'stderr', bytes: stderr, kept: stderr.length, cap: limits.maxStderrBytes, told: result.stderr },
  ];
  const fault = new Map<string, string | null>(Object.entries(faults)).get(state);
  const checks: readonly (readonly [boolean, string])[] = [
    ...streams.map(({ name, kept, cap }) => [kept <= cap, `${kept} bytes of ${name} are kept, over its cap`] as const),
    ...streams.map(
      ({ name, kept, told }) => [kept === told.bytes, `${name} has ${kept} bytes, not ${told.bytes}`] as const,
    ),
    ...streams.map(
      ({ name, told }) => [told.truncated === told.totalBytes > told.bytes, `${name} is cut without a word`] as const,
    ),
    ...streams.map(({ name, bytes, told }) => [survivesJson(bytes, told), `${name} does not survive JSON`] as const),
    [fault === undefined || result.fault === fault, `the fault is with ${result.fault}`],
    [result.started && !result.retrySafe, 'it is called not started, or safe to retry'],
    [state !== 'TIMED_OUT' || endedAtItsLimit(execution), `it was ended after ${ranSeconds(execution)} s`],
  ];
  return checks.filter(([holds]) => !holds).map(([, problem]) => problem);
}

/** A character that the cap cut in two has up to three bytes, which are left out. */
const cutBytes = 3;

function survivesJson(bytes: Uint8Array, told: { readonly truncated: boolean }): boolean {
  const parsed = shownSchema.parse(JSON.parse(JSON.stringify(readable(bytes, told))));
  const back = 'text' in parsed ? Buffer.from(parsed.text) : Buffer.from(parsed.base64, 'base64');
  const lost = bytes.length - back.length;
  return back.equals(bytes.subarray(0, back.length)) && lost <= (told.truncated ? cutBytes : 0);
}

const shownSchema = z.union([z.object({ text: z.string() }), z.object({ base64: z.string() })]);

/** Seconds: the kubelet's clocks have no finer ones. Ended by our watcher it ends later, and has no exit code. */
const lenience = { early: 1, late: 2, fenced: 8 };

function endedAtItsLimit(execution: Resource): boolean {
  const ran = ranSeconds(execution);
  if (ran === undefined) return true;
  const over = ran - execution.limits.timeoutSeconds;
  return over >= -lenience.early && over <= (execution.result?.exitCode === null ? lenience.fenced : lenience.late);
}

function ranSeconds({ startedAt, finishedAt }: Resource): number | undefined {
  return startedAt === null || finishedAt === null
    ? undefined
    : (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
}

export function showSeen(seen: Seen): string {
  if (seen.kind === 'refused') return 'REFUSED';
  const { state, result } = seen.execution;
  return showEnding({ state, exitCode: result?.exitCode ?? null, signal: result?.signal ?? null });
}

export function showExpected({ endings }: Expected): string {
  return endings.map(showEnding).join(' or ');
}

function showEnding(ending: { state: string; exitCode?: number | null; signal?: number | null }): string {
  const { state, exitCode = null, signal = null } = ending;
  const code = exitCode === null || state === 'SUCCEEDED' ? '' : ` ${exitCode}`;
  return `${state}${code}${signal === null ? '' : ` signal ${signal}`}`;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 200)} … ${text.slice(-100)}` : text);
}
