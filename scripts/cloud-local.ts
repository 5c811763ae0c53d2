import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { apiKeyPattern } from '../src/config.ts';
import { kubernetesApi } from '../src/sandbox/kubernetes/api.ts';
import { applyManifest } from '../src/sandbox/kubernetes/apply.ts';
import { loadKubeconfig } from '../src/sandbox/kubernetes/kubeconfig.ts';
import { clusterManifests, type Identity, identities } from '../src/sandbox/kubernetes/manifests.ts';
import { type EmulatorKind, freePort, runEmulator, unusableEmulator } from './emulator.ts';
import { kubeconfigIn, kubeconfigNames } from './identities.ts';
import { startLocalCloud } from './local-cloud.ts';

/**
 * The pipeline as it is deployed, on this machine: every function in a process of its own, the emulators of Firestore and
 * Pub/Sub, and the cluster of KUBECONFIG. Callers need the key that it prints, or the one it was given. Runs until Ctrl-C.
 */
const usage = `usage: npm run cloud:local -- [--namespace NAME] [--port N] [--identities DIRECTORY] [--allow-image PREFIX]

  --namespace   namespace of the executions, made as by "cluster apply"; default: executions
  --port        port of the API; default: 8080
  --identities  kubeconfigs of the functions' users, called
                ${Object.values(kubeconfigNames).join(', ')};
                default: every function is the user of KUBECONFIG
  --allow-image image beside the default ones, or a prefix of images; repeatable
`;
const { values } = parseArgs({
  options: {
    namespace: { type: 'string', default: 'executions' },
    port: { type: 'string', default: '8080' },
    identities: { type: 'string' },
    'allow-image': { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

process.stderr.on('error', () => {
  // Whoever was told has gone, or has no space: what cannot be said ends nothing.
});
// Else the clients look for Google's metadata server first.
process.env['METADATA_SERVER_DETECTION'] = 'none';
const run = promisify(execFile);
const admin = process.env['KUBECONFIG'];
if (admin === undefined) fail('set KUBECONFIG to a cluster with gVisor; README says where to get one');
const apiKey = checkedKey(process.env['GKE_CODE_EXECUTOR_API_KEY']);
const apiPort = await checkedPort(values.port);
await run(process.execPath, [join(import.meta.dirname, 'build.ts')]);
await prepareNamespace();
const cloud = await startLocalCloud({
  projectId: 'local',
  firestore: await emulator('firestore', 'FIRESTORE_EMULATOR_HOST'),
  pubsub: await emulator('pubsub', 'PUBSUB_EMULATOR_HOST'),
  namespace: values.namespace,
  kubeconfig,
  apiKey,
  apiPort,
  env: { ALLOWED_IMAGES: values['allow-image'].join(',') },
  onLine: (name, line) => void process.stderr.write(`${name}: ${line}\n`),
}).catch((error: Error) => fail(error.message));
const { api, stream } = cloud.functions;
process.stderr.write(`the API is ${api.url}, live output is ${stream.url}; try in another terminal:
  GKE_CODE_EXECUTOR_API_KEY=${apiKey} npx gke-code-executor run examples/primes.py --server ${api.url}\n`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await cloud[Symbol.asyncDispose]();
process.exit(0);

function fail(message: string): never {
  process.stderr.write(`cloud:local: ${message}\n`);
  process.exit(2);
}

function checkedKey(given = randomBytes(16).toString('hex')): string {
  if (apiKeyPattern.test(given)) return given;
  fail('GKE_CODE_EXECUTOR_API_KEY must be 16 or more printable ASCII characters without spaces, or not be set');
}

async function checkedPort(text: string): Promise<number> {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) fail(`--port ${text} is not a number from 1 to 65535`);
  return freePort(port).catch((error: Error) =>
    'code' in error && error.code === 'EADDRINUSE'
      ? fail(`port ${port} is in use: stop what listens there, a server perhaps, or choose another with --port`)
      : fail(`port ${port} cannot be had (${error.message}): choose another with --port`),
  );
}

function kubeconfig(name: Identity): string {
  return values.identities === undefined ? (admin ?? '') : kubeconfigIn(values.identities, name);
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
