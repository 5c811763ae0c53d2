import { setTimeout as sleep } from 'node:timers/promises';
import { PubSub } from '@google-cloud/pubsub';
import {
  ackDeadlineSeconds,
  deadLetterTopic,
  maxDeliveryAttempts,
  retrySeconds,
  subscribedTopics,
  subscribers,
} from '../src/bus/subscribers.ts';
import type { Identity } from '../src/sandbox/kubernetes/manifests.ts';
import { type FunctionProcess, startFunction } from './function-process.ts';

const functionNames = ['api', 'ingest', 'launch', 'watch', 'complete', 'reconcile', 'stream'] as const;
export type FunctionName = (typeof functionNames)[number];

/** Milliseconds between the calls that Cloud Scheduler makes. */
const scheduleMs = 60_000;

export interface LocalCloudOptions {
  readonly projectId: string;
  /** Addresses of the emulators, `host:port`. */
  readonly firestore: string;
  readonly pubsub: string;
  /** Where topics and subscriptions are made; default: `pubsub`. */
  readonly pubsubAdmin?: string;
  readonly namespace: string;
  /** Kubeconfig of the identity that a function runs as. */
  readonly kubeconfig: (name: Identity) => string;
  /** Wanted of the callers of `api` and `stream`: web pages reach this machine, by names of their own too. */
  readonly apiKey: string;
  /** More environment of every function. */
  readonly env?: Readonly<Record<string, string>>;
  /** Address at which Pub/Sub reaches a function; default: its own. */
  readonly pushVia?: (name: FunctionName, url: string) => Promise<string>;
  /** Port of the API; default: a free one. */
  readonly apiPort?: number;
  /** Takes what the functions print. */
  readonly onLine: (name: FunctionName, line: string) => void;
}

export interface LocalCloud extends AsyncDisposable {
  readonly functions: Readonly<Record<FunctionName, FunctionProcess>>;
  /** Calls the reconciler now, as the schedule does by itself. */
  reconcile(): Promise<void>;
}

/** Runs every function as it is deployed, each in a process of its own, between the emulators and a cluster. */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const starting: Promise<FunctionProcess>[] = [];
  const start = (name: FunctionName) => {
    const onLine = (line: string) => options.onLine(name, line);
    const port = name === 'api' ? options.apiPort : undefined;
    const started = startFunction({ name, port, env: environment(name, options), onLine });
    starting.push(started);
    return started;
  };
  const stop = async () => {
    for (const started of await Promise.allSettled(starting)) {
      if (started.status === 'fulfilled') await started.value.stop();
    }
  };
  const begin = async () => {
    const functions = await startAll(start);
    await subscribe(options, functions);
    await callReconcile(functions);
    return functions;
  };
  const functions = await begin().catch(async (error) => {
    await stop();
    throw error;
  });
  const over = new AbortController();
  const reconcile = () => callReconcile(functions);
  const schedule = callEvery(scheduleMs, reconcile, over.signal);
  return {
    functions,
    reconcile,
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await schedule;
      await stop();
    },
  };
}

async function startAll(start: (name: FunctionName) => Promise<FunctionProcess>): Promise<Functions> {
  const [api, ingest, launch, watch, complete, reconcile, stream] = await Promise.all([
    start('api'),
    start('ingest'),
    start('launch'),
    start('watch'),
    start('complete'),
    start('reconcile'),
    start('stream'),
  ]);
  return { api, ingest, launch, watch, complete, reconcile, stream };
}

async function callReconcile({ reconcile }: Functions): Promise<void> {
  const { status } = await fetch(reconcile.url, { method: 'POST' });
  if (status !== 204) throw new Error(`the reconciler answered ${status}`);
}

function environment(name: FunctionName, options: LocalCloudOptions) {
  const { projectId, firestore, pubsub, namespace, kubeconfig, apiKey, env } = options;
  const everywhere = {
    ...env,
    GOOGLE_CLOUD_PROJECT: projectId,
    FIRESTORE_EMULATOR_HOST: firestore,
    PUBSUB_EMULATOR_HOST: pubsub,
  };
  const key = name === 'api' || name === 'stream' ? { GKE_CODE_EXECUTOR_API_KEY: apiKey } : {};
  if (name === 'api' || name === 'ingest') return { ...everywhere, ...key };
  return { ...everywhere, ...key, NAMESPACE: namespace, KUBECONFIG: kubeconfig(name) };
}

type Functions = Readonly<Record<FunctionName, FunctionProcess>>;

/** What a project must have: each topic with its push subscription, and where its dead letters go. */
async function subscribe(options: LocalCloudOptions, functions: Functions): Promise<void> {
  const { projectId, pubsub, pubsubAdmin = pubsub, pushVia = async (_name, url) => url } = options;
  const client = new PubSub({ projectId, apiEndpoint: pubsubAdmin, emulatorMode: true });
  for (const name of subscribedTopics) {
    const subscriber = subscribers[name];
    const url = await pushVia(subscriber, functions[subscriber].url);
    const [[topic], [dead]] = await Promise.all([client.createTopic(name), client.createTopic(deadLetterTopic(name))]);
    await dead.createSubscription(deadLetterTopic(name));
    await topic.createSubscription(name, {
      pushConfig: { pushEndpoint: `${url}/projects/${projectId}/topics/${name}` },
      ackDeadlineSeconds,
      retryPolicy: {
        minimumBackoff: { seconds: retrySeconds.minimum },
        maximumBackoff: { seconds: retrySeconds.maximum },
      },
      deadLetterPolicy: { deadLetterTopic: dead.name, maxDeliveryAttempts },
    });
  }
  await client.close();
}

async function callEvery(pauseMs: number, call: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(pauseMs, undefined, { signal }).catch(() => {
      // The abort is the loop's condition.
    });
    // What failed shows in the function's own log, and the next call is as good.
    if (!signal.aborted) await call().catch(() => {});
  }
}
