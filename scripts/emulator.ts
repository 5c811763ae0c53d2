import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const emulators = {
  firestore: {
    component: 'cloud-firestore-emulator',
    jars: 'cloud-firestore-emulator',
    command: (jar: string) => [
      ...['-cp', jar, 'com.google.cloud.datastore.emulator.firestore.CloudFirestore', 'start'],
    ],
  },
  pubsub: {
    component: 'pubsub-emulator',
    jars: 'pubsub-emulator/lib',
    command: (jar: string) => ['-jar', jar],
  },
} as const;
export type EmulatorKind = keyof typeof emulators;

export interface EmulatorOptions {
  readonly port: number;
  /** For its log, and a file `ready` that holds the port once it serves; removed when it ends. */
  readonly directory: string;
  /** The process that it must not outlive. */
  readonly runner: number;
}

/**
 * Runs an emulator of Google's SDK in a process group of its own. The shell beside it kills it when the runner is gone,
 * be it by SIGKILL, and then clears the directory.
 */
export async function runEmulator(kind: EmulatorKind, { port, directory, runner }: EmulatorOptions) {
  madeDirectory(directory);
  const keep = `"$@" >"$DIRECTORY/log" 2>&1 & emulator=$!
    while kill -0 "$RUNNER" && kill -0 $emulator; do sleep 0.5; done 2>/dev/null
    kill -9 $emulator 2>/dev/null; rm -rf "$DIRECTORY"`;
  const java = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m', '-Duser.language=en'];
  const command = [
    'java',
    ...java,
    ...emulators[kind].command(jarOf(kind) ?? ''),
    '--host=127.0.0.1',
    `--port=${port}`,
  ];
  const child = spawn('/bin/sh', ['-c', keep, 'emulator', ...command], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, DIRECTORY: directory, RUNNER: String(runner) },
  });
  child.unref();
  const answers = () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => undefined,
    );
  try {
    await within(60_000, answers);
  } catch (cause) {
    throw new Error(`the ${kind} emulator did not start: ${readIfThere(join(directory, 'log'))}`, { cause });
  }
  writeFileSync(join(directory, 'ready'), String(port));
  return {
    kill: async () => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, 'SIGKILL');
      }
      await within(10_000, async () => ((await answers()) ? undefined : true));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Why there can be no emulator; undefined when there can. */
export function unusableEmulator(kind: EmulatorKind): string | undefined {
  if (onPath('java') === undefined) return 'there is no java';
  if (onPath('gcloud') === undefined) return 'there is no gcloud';
  const install = `gcloud components install ${emulators[kind].component}`;
  return jarOf(kind) === undefined ? `gcloud has no ${kind} emulator: ${install}` : undefined;
}

/** Run without gcloud, which takes a second to start and leaves the emulator behind when it is killed. */
function jarOf(kind: EmulatorKind): string | undefined {
  const gcloud = onPath('gcloud');
  if (gcloud === undefined) return undefined;
  const directory = join(dirname(realpathSync(gcloud)), '..', 'platform', emulators[kind].jars);
  if (!existsSync(directory)) return undefined;
  const jar = readdirSync(directory).find((name) => name.endsWith('.jar'));
  return jar === undefined ? undefined : join(directory, jar);
}

function onPath(program: string): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.map((directory) => join(directory, program)).find((path) => existsSync(path));
}

export function madeDirectory(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

export function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Throws with the code EADDRINUSE when the port is given and something listens there. */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer().listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

export async function within<R>(limitMs: number, look: () => R | Promise<R>): Promise<NonNullable<R>> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== '') return found;
    if (performance.now() > giveUpAt) throw new Error(`nothing within ${limitMs} ms`);
    await sleep(50);
  }
}
