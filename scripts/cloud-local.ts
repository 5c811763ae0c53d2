import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { kubernetesApi } from '../src/sandbox/kubernetes/api.ts';
import { applyManifest } from '../src/sandbox/kubernetes/apply.ts';
import { loadKubeconfig } from '../src/sandbox/kubernetes/kubeconfig.ts';
import { clusterManifests, type Identity, identities } from '../src/sandbox/kubernetes/manifests.ts';
import { type EmulatorKind, freePort, runEmulator, unusableEmulator } from './emulator.ts';
import { startLocalCloud } from './local-cloud.ts';

/**
 * The pipeline as it is deployed, on this machine: every function in a process of its own, the emulators of Firestore and
 * Pub/Sub, and the cluster of KUBECONFIG. Runs until Ctrl-C.
 */
const usage = `usage: npm run cloud:local -- [--namespace NAME] [--port N] [--identities DIRECTORY] [--allow-image PREFIX] [--verbose]

  --namespace   namespace of the executions, made as by "cluster apply"; default: executions
  --port        port of the API; default: 8080
  --identities  kubeconfigs of the functions' users, called ${identities.join(', ')};
                default: every function is the user of KUBECONFIG
  --allow-image image beside the default ones, or a prefix of images; repeatable
  --verbose     show all that the functions log, not only what went wrong
`;
const { values } = parseArgs({
  options: {
    namespace: { type: 'string', default: 'executions' },
    port: { type: 'string', default: '8080' },
    identities: { type: 'string' },
    'allow-image': { type: 'string', multiple: true, default: [] },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

// Else the clients look for Google's metadata server first.
process.env['METADATA_SERVER_DETECTION'] = 'none';
const run = promisify(execFile);
const admin = process.env['KUBECONFIG'];
if (admin === undefined) fail('set KUBECONFIG to a cluster with gVisor; README says where to get one');
await run(process.execPath, [join(import.meta.dirname, 'build.ts')]);
await prepareNamespace();
const cloud = await startLocalCloud({
  projectId: 'local',
  firestore: await emulator('firestore', 'FIRESTORE_EMULATOR_HOST'),
  pubsub: await emulator('pubsub', 'PUBSUB_EMULATOR_HOST'),
  namespace: values.namespace,
  kubeconfig,
  apiPort: Number(values.port),
  onLine: (name, line) => {
    if (values.verbose || !line.includes('"severity":"INFO"')) process.stderr.write(`${name}: ${line}\n`);
  },
});
const { api, stream } = cloud.functions;
process.stderr.write(`the API is ${api.url}, live output is ${stream.url}; try in another terminal:
  npx gke-code-executor run examples/primes.py --server ${api.url}\n`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await cloud[Symbol.asyncDispose]();
process.exit(0);

function fail(message: string): never {
  process.stderr.write(`cloud:local: ${message}\n`);
  process.exit(2);
}

function kubeconfig(name: Identity): string {
  return values.identities === undefined ? (admin ?? '') : join(values.identities, name);
}

/** Makes the namespace with all that belongs to it, for whoever the kubeconfigs sign in. */
async function prepareNamespace(): Promise<void> {
  const users = Object.fromEntries(await Promise.all(identities.map(async (name) => [name, await userOf(name)])));
  const { access } = await loadKubeconfig({});
  const api = kubernetesApi(access);
  const settings = { namespace: values.namespace, users, allowedImages: values['allow-image'] };
  for (const manifest of await clusterManifests(settings)) {
    await applyManifest(api, manifest, { dryRun: false }).catch((error: Error) => fail(error.message));
  }
  api.close();
}

async function userOf(identity: Identity): Promise<string> {
  const whoAmI = ['auth', 'whoami', '--output', 'jsonpath={.status.userInfo.username}'];
  const { stdout } = await run('kubectl', ['--kubeconfig', kubeconfig(identity), ...whoAmI], { timeout: 60_000 });
  return stdout;
}

/** The one that the environment names, or a new one. */
async function emulator(kind: EmulatorKind, variable: string): Promise<string> {
  const given = process.env[variable];
  if (given !== undefined) return given;
  const reason = unusableEmulator(kind);
  if (reason !== undefined) fail(`cannot start the ${kind} emulator: ${reason}; or set ${variable}`);
  const port = await freePort();
  const directory = join(tmpdir(), `${kind}-emulator-${process.pid}-${port}`);
  await runEmulator(kind, { port, directory, runner: process.pid });
  process.stderr.write(`${variable}=127.0.0.1:${port}\n`);
  return `127.0.0.1:${port}`;
}
