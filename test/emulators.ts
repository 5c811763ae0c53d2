import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { describe, test } from 'vitest';
import {
  type EmulatorKind,
  freePort,
  madeDirectory,
  readIfThere,
  runEmulator,
  unusableEmulator,
  within,
} from '../scripts/emulator.ts';

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
  const reason = given[kind] === undefined ? unusableEmulator(kind) : undefined;
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
  const possible = process.env['FULL'] === 'true' && unusableEmulator(kind) === undefined;
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
  let running = await runEmulator(kind, { port, directory, runner });
  return {
    host: `127.0.0.1:${port}`,
    kill: () => running.kill(),
    start: async () => {
      running = await runEmulator(kind, { port, directory, runner });
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
  if (madeDirectory(directory)) await runEmulator(kind, { port: await freePort(), directory, runner });
  const port = await within(60_000, () => readIfThere(join(directory, 'ready')));
  return `127.0.0.1:${port}`;
}

function taken(variable: string): string | undefined {
  const value = process.env[variable];
  delete process.env[variable];
  return value;
}

/** Tells processes apart that got the same id, where the system says when each began. */
function startOf(pid: number): string {
  return readIfThere(`/proc/${pid}/stat`)?.replace(/.*\) /s, '').split(' ')[19] ?? '';
}
