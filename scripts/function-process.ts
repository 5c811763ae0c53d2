import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort, within } from './emulator.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface FunctionProcessOptions {
  readonly name: string;
  /** Default: a free one. */
  readonly port?: number | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

/** A function as its platform runs it: the functions framework over its bundle, started again whenever it ends. */
export interface FunctionProcess {
  readonly url: string;
  /** Ends the process as a crash would, and resolves when the next one serves. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

export async function startFunction(options: FunctionProcessOptions): Promise<FunctionProcess> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  let stopping = false;
  let child: ChildProcess;
  const run = () => {
    child = spawned(options, port);
    child.once('exit', () => {
      if (!stopping) run();
    });
  };
  run();
  await answers(url);
  return {
    url,
    crash: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      await answers(url);
    },
    stop: async () => {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function spawned({ name, env, onLine }: FunctionProcessOptions, port: number): ChildProcess {
  const child = spawn(
    process.execPath,
    [
      `--require=${root}scripts/local-function.cjs`,
      `${root}node_modules/@google-cloud/functions-framework/build/src/main.js`,
      `--source=${root}dist/functions/${name}`,
      `--target=${name}`,
      `--port=${port}`,
    ],
    {
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', METADATA_SERVER_DETECTION: 'none', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface(stream).on('line', onLine);
  }
  return child;
}

/** The framework listens once the function is loaded; what it then says to an unusual path does not matter. */
async function answers(url: string): Promise<void> {
  await within(60_000, () => fetch(`${url}/favicon.ico`).catch(() => undefined));
}
