import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PubSub } from '@google-cloud/pubsub';
import { beforeAll, onTestFailed, onTestFinished } from 'vitest';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../scripts/local-cloud.ts';
import { httpExecutor } from '../../src/client/client.ts';
import type { Executor } from '../../src/executor.ts';
import { follow, type History, type Namespace } from '../cluster.ts';
import { describeEmulator } from '../emulators.ts';
import { describeIdentities, kubeconfigOf, users } from '../sandbox/kubernetes/deployment.ts';
import { preparedNamespace } from '../sandbox/kubernetes/prepared.ts';

const run = promisify(execFile);
const minutes = 60_000;

export interface Cloud {
  readonly cloud: LocalCloud;
  readonly projectId: string;
  readonly pubsub: PubSub;
  /** Addresses of the emulators. */
  readonly firestoreHost: string;
  readonly pubsubHost: string;
  readonly namespace: Namespace;
  readonly history: History;
  readonly executor: Executor;
  /** Everything that the functions printed. */
  readonly lines: readonly string[];
}

/** What of the cloud is to be different. */
export interface Changes extends Partial<Pick<LocalCloudOptions, 'pushVia' | 'kubeconfig' | 'env'>> {
  /** Addresses at which the functions reach the emulators. */
  readonly through?: (kind: 'firestore' | 'pubsub', host: string) => Promise<string>;
  readonly jobs?: number;
}

/** Starts a cloud of a project and a namespace of its own; it ends with the test, or the suite. */
type StartCloud = (changes?: Changes) => Promise<Cloud>;

/** A suite over every function as its own process, both emulators, and the cluster with an identity for each function. */
export async function describeCloud(name: string, suite: (start: StartCloud) => void): Promise<void> {
  await describeIdentities(name, () => {
    describeEmulator('firestore', 'on Firestore', (firestore) => {
      describeEmulator('pubsub', 'and Pub/Sub', (pubsub) => {
        beforeAll(() => run(process.execPath, [join(import.meta.dirname, '../../scripts/build.ts')]), 2 * minutes);
        suite(async (changes = {}) => start(await firestore(), await pubsub(), changes));
      });
    });
  });
}

async function start(firestoreHost: string, pubsubHost: string, changes: Changes): Promise<Cloud> {
  const { through = async (_kind, host) => host, jobs, ...options } = changes;
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync(), minutes);
  const projectId = `test-${randomBytes(5).toString('hex')}`;
  const namespace = stack.use(await preparedNamespace({ users, maxJobs: jobs }));
  const history = stack.use(await follow(namespace.name));
  const lines: string[] = [];
  onTestFailed(() => console.error(lines.slice(-50).join('\n')));
  const cloud = stack.use(
    await startLocalCloud({
      projectId,
      firestore: await through('firestore', firestoreHost),
      pubsub: await through('pubsub', pubsubHost),
      pubsubAdmin: pubsubHost,
      namespace: namespace.name,
      kubeconfig: kubeconfigOf,
      onLine: (name, line) => void lines.push(`${name}: ${line}`),
      ...options,
    }),
  );
  const pubsub = new PubSub({ projectId, apiEndpoint: pubsubHost, emulatorMode: true });
  stack.defer(() => pubsub.close());
  const executor = httpExecutor({ server: new URL(cloud.functions.api.url) });
  return { cloud, projectId, pubsub, firestoreHost, pubsubHost, namespace, history, executor, lines };
}
