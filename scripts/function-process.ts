import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from './emulator.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface FunctionProcessOptions {
  readonly name: string;
  /** Default: a free one. */
  readonly port?: number | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Where there is a directory of its name; default: where `npm run build` puts them. */
  readonly directory?: string;
  readonly onLine: (line: string) => void;
}

/** A function as its platform runs it: the functions framework over its bundle, started again whenever it ends. */
export interface FunctionProcess {
  readonly url: string;
  /** Ends the process as a crash would, and resolves when the next one serves. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** Milliseconds before a process that ended is started again: one that cannot live must not take the machine. */
const pauseMs = 500;

/** Throws when the process ends before it has served once. */
export async function startFunction(options: FunctionProcessOptions): Promise<FunctionProcess> {
  const { name, port = await freePort() } = options;
  const life = new EventEmitter();
  const run = () => {
    const started = spawned(options, port);
    // It says itself when it listens (local-function.cjs): what answers at its port might be something else.
    started.once('message', () => life.emit('serves'));
    started.once('exit', () => life.emit('ends'));
    return started;
  };
  let child = run();
  const ended = once(life, 'ends').then(() => {
    throw new Error(`the function ${name} ended before it served at port ${port}; what it printed says why`);
  });
  await Promise.race([once(life, 'serves'), ended]);
  let again: NodeJS.Timeout | undefined;
  life.on('ends', () => {
    again = setTimeout(() => {
      child = run();
    }, pauseMs);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    crash: async () => {
      const next = once(life, 'serves');
      child.kill('SIGKILL');
      await next;
    },
    stop: async () => {
      life.removeAllListeners('ends');
      clearTimeout(again);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function spawned(options: FunctionProcessOptions, port: number): ChildProcess {
  const { name, env, directory = `${root}dist/functions`, onLine } = options;
  const child = spawn(
    process.execPath,
    [
      `--require=${root}scripts/local-function.cjs`,
      `${root}node_modules/@google-cloud/functions-framework/build/src/main.js`,
      `--source=${directory}/${name}`,
      `--target=${name}`,
      `--port=${port}`,
    ],
    {
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', METADATA_SERVER_DETECTION: 'none', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface(stream).on('line', onLine);
  }
  return child;
}
