import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe } from 'vitest';
import { kubeconfigIn, kubeconfigNames } from '../../../scripts/identities.ts';
import { inProcessBus } from '../../../src/bus/in-process.ts';
import { base32 } from '../../../src/execution/identity.ts';
import { parseRequest } from '../../../src/execution/request.ts';
import { complete } from '../../../src/pipeline/complete.ts';
import { launch, resume } from '../../../src/pipeline/launch.ts';
import type { Ports } from '../../../src/pipeline/ports.ts';
import { submit } from '../../../src/pipeline/submit.ts';
import { watch } from '../../../src/pipeline/watch.ts';
import { type Api, kubernetesApi } from '../../../src/sandbox/kubernetes/api.ts';
import { jobSandbox } from '../../../src/sandbox/kubernetes/job-sandbox.ts';
import { loadKubeconfig } from '../../../src/sandbox/kubernetes/kubeconfig.ts';
import { type Identity, identities } from '../../../src/sandbox/kubernetes/manifests.ts';
import { namespaceUid } from '../../../src/sandbox/kubernetes/preflight.ts';
import { memoryStore } from '../../../src/store/memory.ts';
import { describeCluster } from '../../cluster.ts';
import { type Meddle, recordedApi } from './recorded-api.ts';

/** Users are called as their kubeconfigs are. */
const userOf = (identity: Identity) => `${kubeconfigNames[identity]}@project.iam.gserviceaccount.com`;
export const users = {
  launch: userOf('launch'),
  watch: userOf('watch'),
  complete: userOf('complete'),
  reconcile: userOf('reconcile'),
  stream: userOf('stream'),
} as const satisfies Record<Identity, string>;

/** Beside the administrator's. */
export function kubeconfigOf(identity: Identity): string {
  return kubeconfigIn(dirname(process.env['KUBECONFIG'] ?? '.'), identity);
}

/** A suite that needs the kubeconfigs of all identities. Without one it is skipped with a notice; in CI that is a failure. */
export async function describeIdentities(name: string, suite: () => void): Promise<void> {
  const missing = identities.filter((identity) => !existsSync(kubeconfigOf(identity)));
  if (missing.length === 0 || process.env['KUBECONFIG'] === undefined) return describeCluster(name, suite);
  const reason = `no kubeconfig beside KUBECONFIG for ${missing.join(', ')}`;
  if (process.env['CI'] === 'true') throw new Error(`${name}: ${reason}, and CI must not skip a suite`);
  process.stderr.write(`\nSKIPPED: ${name}: ${reason}\n`);
  describe.skip(`${name} (skipped: ${reason})`, suite);
}

export async function apiAs(identity: Identity): Promise<Api> {
  const { access } = await loadKubeconfig({ kubeconfig: kubeconfigOf(identity) });
  return kubernetesApi(access);
}

export interface Call {
  readonly identity: Identity;
  /** Verb and resource. */
  readonly right: string;
  readonly status: number;
}

export interface DeploymentOptions {
  readonly namespace: string;
  /** Answer each message with a new process, which knows nothing of earlier ones; else each function has one process. */
  readonly cold: boolean;
}

/** The functions of one installation as they are in Google Cloud, each with its own identity in the cluster. */
export async function deployment({ namespace, cold }: DeploymentOptions) {
  const calls: Call[] = [];
  const meddling = new Map<Identity, Meddle>();
  const opened: Api[] = [];
  const store = memoryStore({ installation: { id: base32(randomBytes(5)), secret: randomBytes(32) } });
  const bus = inProcessBus();
  const clock = { now: Date.now, sleep: async (ms: number) => void (await sleep(ms)) };

  /** Signs in as a function does when it begins. */
  const connect = async (identity: Identity) => {
    const called = (right: string, status: number) => calls.push({ identity, right, status });
    const api = recordedApi({ api: await apiAs(identity), called, meddle: () => meddling.get(identity) });
    opened.push(api);
    return { api, namespace, namespaceUid: await namespaceUid(api, namespace) };
  };
  /** A process of that function that has just begun. */
  const begin = async (identity: Identity): Promise<Ports> => {
    const place = await connect(identity);
    const sandbox = jobSandbox({ ...place, installation: store.installation });
    return { store, bus, sandbox, clock, randomBytes, process: null };
  };
  const running = new Map<Identity, Promise<Ports>>();
  const ports = (identity: Identity): Promise<Ports> => {
    const known = running.get(identity);
    if (known !== undefined && !cold) return known;
    const begun = begin(identity);
    running.set(identity, begun);
    return begun;
  };

  bus.subscribe('execution-requested', async ({ executionId }) => {
    await resume(await ports('launch'), executionId);
    await launch(await ports('launch'));
  });
  bus.subscribe('execution-observed', async ({ executionId }) => complete(await ports('complete'), executionId));
  bus.subscribe('watch-wanted', async () => {});
  const over = new AbortController();
  const relay = await begin('watch');
  const watching = watch(relay, over.signal, () => {
    // A message that is published again by the next look.
  });

  return {
    store,
    calls,
    /** What happens to a function while it asks the API server. */
    meddling,
    connect,
    ports,
    /** Records a program; with `ring: false` nobody hears of it. */
    submit: async (code: string, fields: Record<string, unknown> = {}, ring = true): Promise<string> => {
      const rules = { minimumMemoryMiB: () => 1, images: 'any' as const };
      const body = { language: 'python', code, cpuRequestMillicores: 10, ...fields };
      const parsed = parseRequest(body, rules);
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
      const recorder = { ...relay, ...(ring ? {} : { bus: inProcessBus() }), onError: () => {} };
      return (await submit(recorder, parsed.submission, { caller: 'test' })).execution.id;
    },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await watching;
      await bus.close();
      for (const api of opened) api.close();
    },
  };
}

export type Deployment = Awaited<ReturnType<typeof deployment>>;
