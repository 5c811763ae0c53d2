import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Embedded, startEmbedded } from '../src/embedded.ts';
import { parseRequest } from '../src/execution/request.ts';
import { type Api, kubernetesApi } from '../src/sandbox/kubernetes/api.ts';
import { jobManifest } from '../src/sandbox/kubernetes/job-manifest.ts';
import { loadKubeconfig } from '../src/sandbox/kubernetes/kubeconfig.ts';
import { listWatch } from '../src/sandbox/kubernetes/list-watch.ts';
import { kubernetesSandbox } from '../src/sandbox/kubernetes/sandbox.ts';
import { sqliteStore } from '../src/store/sqlite.ts';

/**
 * Time from a request to its output, cold: ours against a bare pod of the same image, limits, isolation and program,
 * interleaved in one run, each after a random pause of up to a second, since the kubelet looks once a second.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '40' },
    namespace: { type: 'string', default: 'bench' },
    target: { type: 'string', default: '0.3' },
  },
});
const runs = Number(values.runs);
const program = 'print("hello")';
const printed = 'hello\n';

interface Bench {
  readonly api: Api;
  readonly namespace: string;
  readonly pods: string;
}

async function ours({ executor }: Embedded): Promise<number> {
  const began = performance.now();
  const { execution } = await executor.submit({ language: 'python', code: program }, {});
  const ended = await executor.wait(execution.id, 120);
  const stdout = Buffer.from((await executor.output(execution.id, 'stdout')) ?? []).toString();
  const seconds = (performance.now() - began) / 1000;
  if (ended?.state !== 'SUCCEEDED' || stdout !== printed) throw new Error(`ours: ${ended?.state} ${stdout}`);
  return seconds;
}

const podSchema = z.object({
  status: z.object({
    containerStatuses: z
      .array(z.object({ state: z.object({ terminated: z.object({ exitCode: z.int() }).optional() }) }))
      .optional(),
  }),
});

type Looked = z.infer<typeof podSchema>;

async function barePod(bench: Bench): Promise<number> {
  const name = `bare-${randomBytes(5).toString('hex')}`;
  const over = new AbortController();
  const began = performance.now();
  await expectStatus(201, bench.api.send({ method: 'POST', path: bench.pods, body: podManifest(name) }));
  const look = (pod: Looked) => {
    if (pod.status.containerStatuses?.[0]?.state.terminated !== undefined) over.abort();
  };
  const source = { api: bench.api, path: bench.pods, labelSelector: `bench=${name}`, schema: podSchema };
  const changes = { replaced: (pods: readonly Looked[]) => pods.forEach(look), changed: look, deleted: () => {} };
  await listWatch(source, changes, over.signal, console.error);
  const log = await bench.api.open({ method: 'GET', path: `${bench.pods}/${name}/log` }, 10_000);
  const stdout = (await log.toArray()).join('');
  const seconds = (performance.now() - began) / 1000;
  if (stdout !== printed) throw new Error(`bare pod: ${stdout}`);
  await bench.api.send({ method: 'DELETE', path: `${bench.pods}/${name}` });
  return seconds;
}

/** Our pod without what is ours: no volumes, no supervisor, no Job. */
function podManifest(name: string) {
  const parsed = parseRequest({ language: 'python', code: program }, { minimumMemoryMiB: () => 1, images: 'any' });
  if (!parsed.ok) throw new Error('the request is right');
  const spec = { executionId: name, request: parsed.submission.request };
  const template = jobManifest({ installationId: 'bench', spec, nonce: 'bench' }).spec?.template.spec;
  const [container] = template?.containers ?? [];
  if (template === undefined || container === undefined) throw new Error('the manifest has a container');
  const { volumes: _, ...pod } = template;
  const { volumeMounts: _mounts, workingDir: _work, ...bare } = container;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { bench: name } },
    spec: { ...pod, containers: [{ ...bare, command: ['python3', '-c', program] }] },
  };
}

async function expectStatus(status: number, answer: ReturnType<Api['send']>): Promise<void> {
  const { status: got, body } = await answer;
  if (got !== status && got !== 409) throw new Error(`HTTP ${got}: ${JSON.stringify(body)}`);
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? sorted[0] ?? 0)) / 2;
}

function report(name: string, seconds: readonly number[]): number {
  const sorted = seconds.toSorted((a, b) => a - b);
  const shown = [sorted[0] ?? 0, median(sorted), sorted.at(-1) ?? 0].map((figure) => figure.toFixed(2));
  console.log(`${name.padEnd(9)} min ${shown[0]} s, median ${shown[1]} s, max ${shown[2]} s, n ${sorted.length}`);
  return median(sorted);
}

async function main(): Promise<number> {
  const { access } = await loadKubeconfig({});
  const api = kubernetesApi(access);
  const { namespace } = values;
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await expectStatus(201, api.send({ method: 'POST', path: '/api/v1/namespaces', body }));
  const state = mkdtempSync(join(tmpdir(), 'bench-'));
  const store = await sqliteStore({ path: join(state, 'executions.sqlite') });
  const sandbox = await kubernetesSandbox({ namespace, installation: store.installation });
  const embedded = await startEmbedded({ store, sandbox, onError: console.error });
  const bench = { api, namespace, pods: `/api/v1/namespaces/${namespace}/pods` };
  const kinds = { ours: () => ours(embedded), barePod: () => barePod(bench) };
  const seconds = { ours: [] as number[], barePod: [] as number[] };
  try {
    for (let run = -1; run < runs; run++) {
      for (const kind of run % 2 === 0 ? (['ours', 'barePod'] as const) : (['barePod', 'ours'] as const)) {
        await sleep(Math.random() * 1000);
        const took = await kinds[kind]();
        if (run >= 0) seconds[kind].push(took);
      }
    }
    const difference = report('ours', seconds.ours) - report('bare pod', seconds.barePod);
    console.log(`median(ours) - median(bare pod) = ${difference.toFixed(2)} s (target ${values.target} s)`);
    return difference <= Number(values.target) ? 0 : 1;
  } finally {
    await embedded.close();
    await sandbox.close();
    store.close();
    rmSync(state, { recursive: true });
    await api.send({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
    api.close();
  }
}

process.exitCode = await main();
