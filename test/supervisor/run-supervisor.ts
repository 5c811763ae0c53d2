import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Language } from '../../src/execution/execution.ts';
import { bareScript } from '../../src/supervisor/bare-script.ts';
import { type ProgramBundle, writeBundle } from '../../src/supervisor/bundle.ts';
import { type DecodedOutput, decodeFrames } from '../../src/supervisor/frames.ts';
import { podCommands } from '../../src/supervisor/pod-commands.ts';

/** Of the two supervisors; the other languages are run by one of them. */
export const languages = ['python', 'javascript'] as const;

export const mebibyte = 1024 * 1024;
const source = (name: string) => fileURLToPath(new URL(`../../src/supervisor/${name}`, import.meta.url));
// The shell shims of version managers would count as program time.
export const interpreters = {
  python3: execFileSync('python3', ['-c', 'import sys; print(sys.executable)']).toString().trim(),
  node: process.execPath,
};

function interpreterOf(program = ''): string {
  if (program === 'node' || program === 'python3') return interpreters[program];
  return program;
}

const newPidNamespace = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] as const;
/** As PID 1 of its own namespace the supervisor may use kill(-1), as it does in a pod. */
export const canBePid1 = spawnSync(newPidNamespace[0], [...newPidNamespace.slice(1), 'true']).status === 0;

export type Run = DecodedOutput &
  Readonly<{ exitCode: number | null; stdoutText: string; stderrText: string; log: Buffer; seconds: number }>;

export type Settings = Partial<Omit<ProgramBundle, 'code'>> &
  Readonly<{
    bundle?: Uint8Array;
    asPid1?: boolean;
    path?: string;
    onStart?: (supervisor: ChildProcess, work: string) => void;
  }>;

/** Resolves when the program has printed; the supervisor itself says something before. */
export function hasPrinted(supervisor: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    supervisor.stdout?.on('data', (chunk: Buffer) => chunk.includes('\x01o') && resolve());
  });
}

/** Runs a program under the true supervisor, by the pod's own command line, in throw-away directories. */
export async function runSupervisor(
  language: Language,
  code: string | Uint8Array,
  settings: Settings = {},
): Promise<Run> {
  const root = mkdtempSync(join(tmpdir(), 'supervisor-'));
  const pod = podCommands[language];
  const local = (text: string) => text.replace(/^\/(execution|work)/, `${root}/$1`);
  mkdirSync(`${root}/execution`);
  mkdirSync(`${root}/work`);
  for (const file of pod.files) copyFileSync(source(file.source), `${root}/execution/${file.key}`);
  const bundle = settings.bundle ?? bundleOf(code, { interpreter: pod.interpreter, ...settings });
  writeFileSync(`${root}/execution/bundle`, bundle);
  if (language === 'shell') writeFileSync(`${root}/execution/bare.sh`, bareScript(bundle));

  const [program, ...args] = pod.command;
  const command = [...(settings.asPid1 ? newPidNamespace : []), interpreterOf(program), ...args.map(local)];
  const podEnv = Object.entries(pod.env).map(([name, value]) => [name, local(value)]);
  const began = performance.now();
  const child = spawn(command[0] ?? '', command.slice(1), {
    env: { PATH: settings.path ?? process.env['PATH'], ...Object.fromEntries(podEnv) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  settings.onStart?.(child, `${root}/work`);
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const seconds = (performance.now() - began) / 1000;
  rmSync(root, { recursive: true });

  const log = asContainerdKeepsIt(Buffer.concat(chunks));
  const output = decodeFrames([log], {
    maxStdoutBytes: 64 * mebibyte,
    maxStderrBytes: 64 * mebibyte,
    maxOutputFileBytes: 64 * mebibyte,
  });
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  const [stdoutText, stderrText] = [text(output.stdout.bytes), text(output.stderr.bytes)];
  return { ...output, exitCode, stdoutText, stderrText, log, seconds };
}

function asContainerdKeepsIt(printed: Buffer): Buffer {
  return Buffer.from(printed.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}

export function bundleOf(code: string | Uint8Array, settings: Settings = {}): Uint8Array {
  return writeBundle({
    args: [],
    env: {},
    timeoutSeconds: 20,
    maxStdoutBytes: mebibyte,
    maxStderrBytes: mebibyte,
    ...settings,
    code: Buffer.from(code),
  });
}
