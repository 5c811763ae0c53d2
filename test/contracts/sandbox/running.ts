import { expect } from 'vitest';
import { timeoutExitCode } from '../../../src/execution/classify.ts';
import { languages } from '../../../src/execution/execution.ts';
import { limits, sizes } from '../../../src/execution/limits.ts';
import type { Job } from '../../../src/sandbox/sandbox.ts';
import {
  bytes,
  input,
  isGone,
  judged,
  type Lab,
  launch,
  make,
  newSpec,
  permitted,
  run,
  seen,
  text,
  until,
} from './lab.ts';
import { bulky, floodBytes, floodHead, type Programs, printing } from './programs.ts';

const exits: readonly { program: keyof Programs; expected: Record<string, unknown>; stdout: string }[] = [
  { program: 'hello', expected: { state: 'SUCCEEDED', fault: null, exitCode: 0 }, stdout: 'hello\n' },
  { program: 'empty', expected: { state: 'SUCCEEDED', exitCode: 0 }, stdout: '' },
  { program: 'exit3', expected: { state: 'FAILED', fault: 'program', exitCode: 3, signal: null }, stdout: 'three\n' },
  { program: 'exit124', expected: { state: 'FAILED', exitCode: timeoutExitCode, signal: null }, stdout: '' },
  { program: 'exit137', expected: { state: 'FAILED', exitCode: 137, signal: null }, stdout: '' },
];

const hello = {
  python: 'print("hello")',
  javascript: 'console.log("hello")',
  typescript: 'const word: string = "hello";\nconsole.log(word);',
  shell: 'echo hello',
};

const golden: readonly { name: string; bytes: Uint8Array }[] = [
  { name: 'JSON', bytes: bytes('{"a": [true, null, 1.0], "b": "\\u2028"}\n') },
  { name: 'the word true', bytes: bytes('true') },
  { name: 'quotes', bytes: bytes(`'single' "double" \`back\` \\ $(echo) {{x}}\n`) },
  { name: 'line ends', bytes: bytes('a\r\nb\rc\n\n\n') },
  { name: 'NUL', bytes: bytes('a\0b\0\0\n') },
  { name: 'invalid UTF-8', bytes: Uint8Array.of(0xff, 0xfe, 0xc3, 0x28, 0x80, 0x0a) },
  { name: 'a multibyte character cut in two', bytes: Uint8Array.of(0x61, 0xe2, 0x82) },
  { name: 'nothing', bytes: bytes('') },
  { name: 'no final newline', bytes: bytes('héllo 💩 \u202e') },
  { name: 'every byte', bytes: Uint8Array.from({ length: 256 }, (_, index) => index) },
];

/** The memory limit of the memory cases: the least a program may ask for, and a little for the program itself. */
function tight({ sandbox }: Lab): number {
  return Math.max(sandbox.minimumMemoryMiB('python') ?? 0, limits.memoryLimitMiB.minimum) + 32;
}

/** Cases about programs that run to an end of their own or of their limits, and about what they print. */
export const runningCases = {
  exits: {
    title: 'exit codes and outputs of programs that end by themselves are what they are',
    run: async (lab: Lab) => {
      const runs = exits.map(async ({ program, expected, stdout }) => {
        const { verdict, output } = await run(lab, lab.programs[program].code);
        expect.soft(verdict, program).toMatchObject({ ...expected, started: true });
        expect.soft(text(output.stdout.bytes), program).toBe(stdout);
        expect.soft(text(output.stderr.bytes), program).toBe('');
        expect.soft(output.complete, program).toBe(true);
      });
      await Promise.all(runs);
    },
  },
  syntaxError: {
    title: 'a program that does not parse fails with the words of its interpreter on stderr',
    run: async (lab: Lab) => {
      const { verdict, output } = await run(lab, lab.programs.syntaxError.code);
      expect(verdict).toMatchObject({ state: 'FAILED', fault: 'program', exitCode: 1 });
      expect(text(output.stderr.bytes)).toContain('SyntaxError');
      expect(text(output.stdout.bytes)).toBe('');
    },
  },
  languages: {
    title: 'a program in every language that it has an interpreter for runs, with its own streams',
    run: async (lab: Lab) => {
      const spoken = languages.filter((language) => lab.sandbox.minimumMemoryMiB(language) !== null);
      const runs = spoken.map(async (language) => {
        const { verdict, output } = await run(lab, hello[language], { language });
        expect.soft(verdict.state, language).toBe('SUCCEEDED');
        expect.soft(text(output.stdout.bytes), language).toBe('hello\n');
        expect.soft([output.complete, output.merged], language).toEqual([true, undefined]);
      });
      await Promise.all(runs);
    },
  },
  signal: {
    title: 'a program that dies of a signal fails with that signal',
    run: async (lab: Lab) => {
      const { verdict } = await run(lab, lab.programs.killed.code);
      expect(verdict).toMatchObject({ state: 'FAILED', signal: 9, exitCode: 137 });
    },
  },
  golden: {
    title: 'both streams come back byte for byte and apart',
    run: async (lab: Lab) => {
      const runs = golden.map(async ({ name, bytes: expected }, index) => {
        const other = golden[golden.length - 1 - index]?.bytes ?? bytes('');
        const { output } = await run(lab, printing(expected, other));
        expect.soft(hex(output.stdout.bytes), `${name} on stdout`).toBe(hex(expected));
        expect.soft(hex(output.stderr.bytes), `${name} beside it on stderr`).toBe(hex(other));
        expect
          .soft([output.stdout.totalBytes, output.stderr.totalBytes], name)
          .toEqual([expected.length, other.length]);
        expect.soft(output.complete, name).toBe(true);
      });
      await Promise.all(runs);
    },
  },
  flood: {
    title: 'of too much output the first bytes are kept exactly and all are counted, each stream by itself',
    run: async (lab: Lab) => {
      const { verdict, output } = await run(lab, lab.programs.flood.code, { maxStdoutBytes: 100_000 });
      expect(verdict).toMatchObject({ state: 'SUCCEEDED' });
      expect(output.stdout.totalBytes).toBe(floodBytes);
      expect(Buffer.from(output.stdout.bytes).equals(floodHead(100_000))).toBe(true);
      expect(text(output.stderr.bytes)).toBe('after\n');
      expect(output.complete).toBe(true);
    },
  },
  keepsNothing: {
    title: 'a stream whose limit is zero is counted and not kept',
    run: async (lab: Lab) => {
      const { output } = await run(lab, printing(bytes('out'), bytes('err')), { maxStdoutBytes: 0 });
      expect(output).toMatchObject({ stdout: { totalBytes: 3 }, stderr: { totalBytes: 3 }, complete: true });
      expect([output.stdout.bytes.length, text(output.stderr.bytes)]).toEqual([0, 'err']);
    },
  },
  input: {
    title: 'arguments, environment and stdin reach the program unchanged',
    run: async (lab: Lab) => {
      const args = ['', 'two words', '--flag=$(x)', 'é"\'\n'];
      const env = { GREETING: 'höllo "$(USER)" \\', EMPTY: '' };
      const stdin = Uint8Array.of(0, 0xff, 0x0d, 0x0a, 0xc3);
      const fields = { args, env, envNames: Object.keys(env) };
      const { output } = await run(lab, lab.programs.echo.code, fields, stdin);
      const expected = { args, env: { ...env, ABSENT: null }, stdin: '00ff0d0ac3' };
      expect(JSON.parse(text(output.stdout.bytes))).toEqual(expected);
    },
  },
  bigCode: {
    title: 'a program of the largest size that is accepted runs',
    run: async (lab: Lab) => {
      const { verdict, output } = await run(lab, bulky(sizes.bundleBytes));
      expect(verdict.state).toBe('SUCCEEDED');
      expect(text(output.stdout.bytes)).toBe('big\n');
    },
  },
  timeout: {
    title: 'a program at its time limit is ended, and what it had printed is kept',
    run: async (lab: Lab) => {
      const { verdict, output } = await run(lab, lab.programs.busy.code, { timeoutSeconds: 3 });
      expect(verdict).toMatchObject({ state: 'TIMED_OUT', fault: 'limit', started: true, retrySafe: false });
      expect(text(output.stdout.bytes)).toBe('before\n');
    },
  },
  memoryLimit: {
    title: 'a program over its memory limit ends as that',
    run: async (lab: Lab) => {
      const { verdict } = await run(lab, lab.programs.hog.code, { memoryLimitMiB: tight(lab) });
      expect(verdict).toMatchObject({ state: 'MEMORY_LIMIT', fault: 'limit', started: true, retrySafe: false });
    },
  },
  memoryTwin: {
    title: 'a program within the same memory limit succeeds',
    run: async (lab: Lab) => {
      const { verdict, output } = await run(lab, lab.programs.modest.code, { memoryLimitMiB: tight(lab) });
      expect(verdict.state).toBe('SUCCEEDED');
      expect(text(output.stdout.bytes)).toBe('8388608\n');
    },
  },
  phases: {
    title: 'inspect tells every phase, from absent over waiting, running and ended to absent',
    run: async (lab: Lab) => {
      const { sandbox, programs } = lab;
      const spec = newSpec();
      const nobody = { executionId: spec.executionId, jobUid: '5f0c8d8e-0000-4000-8000-000000000000' };
      const there = async (job: Job) => !isGone(lab, await sandbox.inspect(job));
      expect(await there(nobody)).toBe(false);
      const made = await make(sandbox, spec);
      expect(await sandbox.inspect(made.job)).toMatchObject({ kind: 'waiting', waiting: { curable: true } });
      expect(await there(nobody)).toBe(false);
      await sandbox.start(made.job, spec, input(programs.linger.code), permitted);
      const { startedAt } = await seen(lab, made.job, 'running');
      const { ending, deleting } = await seen(lab, made.job, 'ended');
      expect(deleting).toBe(false);
      expect(ending).toMatchObject({ podReason: '', disruption: '', jobReason: '', container: { exitCode: 0 } });
      expect(ending.container?.startedAt).toBe(startedAt);
      expect(ending.container?.finishedAt ?? 0).toBeGreaterThanOrEqual(startedAt + 3000);
      await sandbox.remove(made.job, { wait: true });
      expect(await there(made.job)).toBe(false);
    },
  },
  liveOutput: {
    title: 'what was printed can be read while the program runs, and the rest when it has ended',
    run: async (lab: Lab) => {
      const made = await launch(lab, lab.programs.linger.code);
      const live = await until(lab, async () => {
        const output = await lab.sandbox.output(made.job, made.spec);
        return output.stdout.totalBytes > 0 ? output : undefined;
      });
      expect({ stdout: text(live.stdout.bytes), complete: live.complete }).toEqual({ stdout: 'up\n', complete: false });
      const { output } = await judged(lab, made);
      expect({ stdout: text(output.stdout.bytes), complete: output.complete }).toEqual({
        stdout: 'up\ndone\n',
        complete: true,
      });
    },
  },
};

const hex = (of: Uint8Array) => Buffer.from(of).toString('hex');
