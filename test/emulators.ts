import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { describe, test } from 'vitest';

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
type EmulatorKind = keyof typeof emulators;

/** Taken out of the environment: a client would prefer it to the address that it is given, that of a proxy for instance. */
const given = { firestore: taken('FIRESTORE_EMULATOR_HOST'), pubsub: taken('PUBSUB_EMULATOR_HOST') };

/** An emulator that no other test uses. */
export interface OwnEmulator {
  /** `127.0.0.1:port`. */
  readonly host: string;
  kill(): Promise<void>;
  /** Empty, at the same port. */
  start(): Promise<void>;
}

/**
 * A suite against an emulator of Google's SDK, or against the one that FIRESTORE_EMULATOR_HOST or PUBSUB_EMULATOR_HOST
 * names. `host` starts it on the first call; all files of a test run share it, so use project ids of your own. Without
 * one the suite is skipped with a notice; in CI that is a failure.
 */
export function describeEmulator(kind: EmulatorKind, name: string, suite: (host: () => Promise<string>) => void): void {
  // Else the clients look for Google's metadata server first, and complain that there is none.
  process.env['METADATA_SERVER_DETECTION'] = 'none';
  const reason = given[kind] === undefined ? unusable(kind) : undefined;
  if (reason === undefined) {
    describe(name, () => suite(() => sharedEmulator(kind)));
    return;
  }
  if (process.env['CI'] === 'true') throw new Error(`${name}: ${reason}, and CI must not skip a suite`);
  process.stderr.write(`\nSKIPPED: ${name}: ${reason}\n`);
  describe.skip(`${name} (skipped: ${reason})`, () => suite(() => Promise.reject(new Error(reason))));
}

/** A test that may kill its emulator and start it again; only with `npm run test:full`, since a start takes seconds. */
export function testWithOwnEmulator(kind: EmulatorKind, name: string, body: (own: OwnEmulator) => Promise<void>): void {
  const possible = process.env['FULL'] === 'true' && unusable(kind) === undefined;
  test.runIf(possible)(
    name,
    async () => {
      await using own = await ownEmulator(kind);
      await body(own);
    },
    150_000,
  );
}

async function ownEmulator(kind: EmulatorKind): Promise<OwnEmulator & AsyncDisposable> {
  const port = await freePort();
  const directory = join(tmpdir(), `${kind}-emulator-${process.pid}-${port}`);
  let running = await run(kind, port, directory);
  return {
    host: `127.0.0.1:${port}`,
    kill: () => running.kill(),
    start: async () => {
      running = await run(kind, port, directory);
    },
    [Symbol.asyncDispose]: () => running.kill(),
  };
}

/** The process of the test run, which outlives its test files: vitest runs each in a child or a thread of it. */
const runner = isMainThread ? process.ppid : process.pid;

/** Whichever file is first makes the directory, and starts the emulator; the others find its port in there. */
async function sharedEmulator(kind: EmulatorKind): Promise<string> {
  const host = given[kind];
  if (host !== undefined) return host;
  const directory = join(tmpdir(), `${kind}-emulator-of-${runner}-${startOf(runner)}`);
  if (madeDirectory(directory)) await run(kind, await freePort(), directory);
  const port = await within(60_000, () => readIfThere(join(directory, 'ready')));
  return `127.0.0.1:${port}`;
}

/**
 * Runs the emulator in a process group of its own. The shell beside it kills it when the test run is gone, be it by
 * SIGKILL, and then clears the directory.
 */
async function run(kind: EmulatorKind, port: number, directory: string) {
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
function unusable(kind: EmulatorKind): string | undefined {
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

function taken(variable: string): string | undefined {
  const value = process.env[variable];
  delete process.env[variable];
  return value;
}

function onPath(program: string): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.map((directory) => join(directory, program)).find((path) => existsSync(path));
}

function madeDirectory(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Tells processes apart that got the same id, where the system says when each began. */
function startOf(pid: number): string {
  return readIfThere(`/proc/${pid}/stat`)?.replace(/.*\) /s, '').split(' ')[19] ?? '';
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

async function within<R>(limitMs: number, look: () => R | Promise<R>): Promise<NonNullable<R>> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== '') return found;
    if (performance.now() > giveUpAt) throw new Error(`nothing within ${limitMs} ms`);
    await sleep(50);
  }
}
