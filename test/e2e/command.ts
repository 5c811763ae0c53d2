import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = join(root, 'src/cli/main.ts');

/** A state directory of its own, so that tests never share a store. */
export function stateDirectory() {
  const path = mkdtempSync(join(tmpdir(), 'gke-code-executor-'));
  return {
    path,
    store: join(path, 'executions.sqlite'),
    write: (name: string, content: string | Uint8Array) => {
      writeFileSync(join(path, name), content);
      return join(path, name);
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

function start(args: readonly string[], env: NodeJS.ProcessEnv) {
  const flags = ['--disable-warning=ExperimentalWarning', main, ...args];
  return spawn(process.execPath, flags, { cwd: root, env: { ...process.env, ...env } });
}

/** Runs the command as a user would, piped, and waits for it. */
export async function command(
  args: readonly string[],
  { stdin = '', env = {} }: { stdin?: string | Uint8Array; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  const child = start(args, env);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => {
    // A command that does not read its input may be gone already.
  });
  child.stdin.end(stdin);
  const exited = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('close', (code, signal) => resolve([code, signal]));
  });
  const [code, signal] = await exited;
  return { code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
}

export interface Server {
  readonly url: string;
  readonly pid: number;
  readonly stderr: () => string;
  /** Sends a signal and waits until the process is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts `serve` on a free port and waits until it listens. */
export async function server(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Server> {
  const child = start(['serve', '--port', '0', ...args], env);
  let stderr = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
      const [, address] = /listening on (\S+)/.exec(stderr) ?? [];
      if (address !== undefined) resolve(address);
    });
    child.once('exit', (code) => reject(new Error(`serve exited with ${code}: ${stderr}`)));
  });
  child.stdout.resume();
  // Also when the test failed or took too long.
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    url,
    pid: child.pid ?? 0,
    stderr: () => stderr,
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
  };
}
