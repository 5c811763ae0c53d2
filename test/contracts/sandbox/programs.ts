import type { Behaviour, ProgramInput } from '../../../src/sandbox/memory/behaviour.ts';

/** A real program, and beside it what the model does when it is given that text. */
export interface Program {
  readonly code: string;
  readonly behaviour: (input: ProgramInput) => Behaviour;
}

const printable = (text: string, rest: Behaviour = {}) => ({ stdout: text, ...rest });

export const floodBytes = 20_000_000;

/** The first bytes that the flood prints. */
export function floodHead(length: number): Uint8Array {
  return Buffer.alloc(
    length,
    Uint8Array.from({ length: 250 }, (_, index) => index),
  );
}

/** The programs that the cases run, by name; an adapter may bring its own in place of some. */
export const pythonPrograms = {
  hello: { code: 'print("hello")', behaviour: () => printable('hello\n') },
  exit3: { code: 'import sys\nprint("three")\nsys.exit(3)', behaviour: () => printable('three\n', { exitCode: 3 }) },
  exit124: { code: 'import sys\nsys.exit(124)', behaviour: () => ({ exitCode: 124 }) },
  exit137: { code: 'import sys\nsys.exit(137)', behaviour: () => ({ exitCode: 137 }) },
  syntaxError: {
    code: 'print("never"',
    behaviour: () => ({ stderr: "SyntaxError: '(' was never closed\n", exitCode: 1 }),
  },
  killed: { code: 'import os\nos.kill(os.getpid(), 9)', behaviour: () => ({ signal: 9 }) },
  empty: { code: '', behaviour: () => ({}) },
  flood: {
    code: 'import sys\nfor _ in range(1000):\n    sys.stdout.buffer.write(bytes(range(250)) * 80)\nprint("after", file=sys.stderr)',
    behaviour: () => ({ stdout: floodHead(floodBytes), stderr: 'after\n' }),
  },
  echo: {
    code: [
      'import json, os, sys',
      'env = {name: os.environ.get(name) for name in ("GREETING", "EMPTY", "ABSENT")}',
      'print(json.dumps({"args": sys.argv[1:], "env": env, "stdin": sys.stdin.buffer.read().hex()}))',
    ].join('\n'),
    behaviour: ({ args, env, stdin }) => {
      const of = (name: string) => env[name] ?? null;
      const picked = { GREETING: of('GREETING'), EMPTY: of('EMPTY'), ABSENT: of('ABSENT') };
      return printable(`${JSON.stringify({ args, env: picked, stdin: Buffer.from(stdin).toString('hex') })}\n`);
    },
  },
  /** Copies all of `in` to `out`. */
  mirror: {
    code: 'import os, shutil\nif os.path.exists("in"): shutil.copytree("in", "out", copy_function=shutil.copyfile)',
    behaviour: ({ files }) => ({ files: files.map((file) => ({ ...file, path: file.path.replace('in/', 'out/') })) }),
  },
  /** Never gives up the processor. */
  busy: {
    code: 'print("before", flush=True)\nwhile True:\n    pass',
    behaviour: () => printable('before\n', { durationMs: 'forever' }),
  },
  /** Runs until somebody ends it, and costs next to nothing. */
  forever: {
    code: 'import time\nprint("up", flush=True)\nwhile True:\n    time.sleep(0.1)',
    behaviour: () => printable('up\n', { durationMs: 'forever' }),
  },
  /** Runs long enough to be seen running by one who looks once a second. */
  linger: {
    code: 'import time\nprint("up", flush=True)\ntime.sleep(4)\nprint("done")',
    behaviour: () => ({
      durationMs: 4000,
      writes: [
        { atMs: 0, stream: 'stdout', bytes: new TextEncoder().encode('up\n') },
        { atMs: 4000, stream: 'stdout', bytes: new TextEncoder().encode('done\n') },
      ],
    }),
  },
  /** Takes memory, and touches it, until it is stopped. */
  hog: {
    code: 'held = []\nwhile True:\n    held.append(b"x" * (8 << 20))',
    behaviour: () => ({ durationMs: 'forever', memoryMiB: 1_000_000 }),
  },
  /** The hog's benign twin: takes the same kind of memory, but little. */
  modest: {
    code: 'held = b"x" * (8 << 20)\nprint(len(held))',
    behaviour: () => printable('8388608\n', { memoryMiB: 8 }),
  },
} as const satisfies Record<string, Program>;

export type Programs = Readonly<Record<keyof typeof pythonPrograms, { readonly code: string }>>;

/** A program that prints exactly these bytes on each stream. */
export function printing(stdout: Uint8Array, stderr: Uint8Array): string {
  const write = (stream: string, bytes: Uint8Array) =>
    `sys.${stream}.buffer.write(bytes.fromhex("${Buffer.from(bytes).toString('hex')}"))`;
  return ['import sys', write('stdout', stdout), write('stderr', stderr)].join('\n');
}

const printingPattern =
  /stdout\.buffer\.write\(bytes\.fromhex\("([0-9a-f]*)"\)\)\nsys\.stderr\.buffer\.write\(bytes\.fromhex\("([0-9a-f]*)"\)\)$/;

/** A program of that many bytes, nearly all of them a comment in one line. */
export function bulky(bytes: number): string {
  const end = '\nprint("big")';
  return `#${'x'.repeat(bytes - end.length - 1)}${end}`;
}

/** What the model does with every text above. */
export function contractBehaviour(code: string, input: ProgramInput): Behaviour {
  const known = Object.values(pythonPrograms).find((program) => program.code === code);
  if (known !== undefined) return known.behaviour(input);
  if (input.language !== 'python') return printable('hello\n');
  const [, stdout, stderr] = printingPattern.exec(code) ?? [];
  if (stdout !== undefined && stderr !== undefined) {
    return { stdout: Buffer.from(stdout, 'hex'), stderr: Buffer.from(stderr, 'hex') };
  }
  return code.endsWith('print("big")') ? printable('big\n') : { exitCode: 1, stderr: 'unknown program\n' };
}
