import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { type EmulatorKind, freePort, runEmulator, unusableEmulator } from './emulator.ts';
import { type FunctionName, startLocalCloud } from './local-cloud.ts';

/**
 * The pipeline as it is deployed, on this machine: every function in a process of its own, the emulators of Firestore and
 * Pub/Sub, and the cluster of KUBECONFIG. Runs until Ctrl-C.
 */
const { values } = parseArgs({
  options: {
    namespace: { type: 'string', default: 'default' },
    port: { type: 'string', default: '8080' },
    verbose: { type: 'boolean', default: false },
  },
});

const kubeconfig = process.env['KUBECONFIG'];
if (kubeconfig === undefined) throw new Error('set KUBECONFIG to a cluster with gVisor');
await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'build.ts')]);
const cloud = await startLocalCloud({
  projectId: 'local',
  firestore: await emulator('firestore', 'FIRESTORE_EMULATOR_HOST'),
  pubsub: await emulator('pubsub', 'PUBSUB_EMULATOR_HOST'),
  namespace: values.namespace,
  kubeconfig: (name) => identityOf(name, kubeconfig),
  apiPort: Number(values.port),
  onLine: (name, line) => {
    if (values.verbose || !line.includes('"severity":"INFO"')) process.stderr.write(`${name}: ${line}\n`);
  },
});
process.stderr.write(`serving ${cloud.functions.api.url}; try in another terminal:
  npx gke-code-executor run examples/primes.py --server ${cloud.functions.api.url}\n`);
await new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
});
await cloud[Symbol.asyncDispose]();
process.exit(0);

/** The one that the environment names, or a new one. */
async function emulator(kind: EmulatorKind, variable: string): Promise<string> {
  const given = process.env[variable];
  if (given !== undefined) return given;
  const reason = unusableEmulator(kind);
  if (reason !== undefined) throw new Error(`cannot start the ${kind} emulator: ${reason}; or set ${variable}`);
  const port = await freePort();
  const directory = join(tmpdir(), `${kind}-emulator-${process.pid}-${port}`);
  await runEmulator(kind, { port, directory, runner: process.pid });
  process.stderr.write(`the ${kind} emulator is ${variable}=127.0.0.1:${port}\n`);
  return `127.0.0.1:${port}`;
}

/** Beside the administrator's kubeconfig there may be one for each identity; otherwise every function is the administrator. */
function identityOf(name: FunctionName, admin: string): string {
  const identities: Readonly<Partial<Record<FunctionName, string>>> = {
    launch: 'launcher',
    watch: 'watcher',
    complete: 'completion',
    reconcile: 'reconciler',
    stream: 'stream',
  };
  const own = join(dirname(admin), identities[name] ?? '');
  return process.env['CLOUD_LOCAL_IDENTITIES'] === 'true' && existsSync(own) ? own : admin;
}
