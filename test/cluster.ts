import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describe } from 'vitest';
import { z } from 'zod';

const exec = promisify(execFile);

/** Runs kubectl against the cluster that `KUBECONFIG` names; resolves to its standard output. */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await exec('kubectl', [...args], { maxBuffer: 64 * 1024 * 1024, timeout: 120_000 });
  return stdout;
}

/** Applies objects as `kubectl apply` does. */
export async function applyManifests(manifests: readonly object[]): Promise<void> {
  const child = execFile('kubectl', ['apply', '-f', '-'], { timeout: 60_000 });
  child.stdin?.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`kubectl apply exited with ${code}`);
}

/** Why the cluster of `KUBECONFIG` cannot be used; undefined when it can. */
export async function unusableCluster(): Promise<string | undefined> {
  if (process.env['KUBECONFIG'] === undefined) return 'KUBECONFIG is not set';
  return kubectl('get', 'runtimeclass', 'gvisor', '--request-timeout=5s').then(
    () => undefined,
    (error: Error) =>
      `the cluster of KUBECONFIG has no usable gVisor: ${error.message.split('\n')[1] ?? error.message}`,
  );
}

/** A suite against the real cluster. Without one it is skipped with a notice; in CI that is a failure. */
export async function describeCluster(name: string, suite: () => void): Promise<void> {
  const reason = await unusableCluster();
  if (reason === undefined) {
    describe(name, suite);
    return;
  }
  if (process.env['CI'] === 'true') throw new Error(`${name}: ${reason}, and CI must not skip a suite`);
  process.stderr.write(`\nSKIPPED: ${name}: ${reason}\n`);
  describe.skip(`${name} (skipped: ${reason})`, suite);
}

const policyKinds = 'validatingadmissionpolicies,validatingadmissionpolicybindings';

export interface Namespace extends AsyncDisposable {
  readonly name: string;
  /** `kind/name` of every Job, Pod and ConfigMap in it but those that Kubernetes itself puts there. */
  objects(): Promise<readonly string[]>;
}

/** A namespace of its own, with a quota on Jobs when given; deleted with all its objects when disposed of. */
export async function temporaryNamespace(options: { readonly jobs?: number } = {}): Promise<Namespace> {
  const name = `test-${randomBytes(5).toString('hex')}`;
  await kubectl('create', 'namespace', name);
  if (options.jobs !== undefined) {
    await kubectl('create', 'quota', 'executions', '-n', name, `--hard=count/jobs.batch=${options.jobs}`);
    await kubectl('wait', '-n', name, 'quota/executions', '--for=jsonpath={.status.hard}', '--timeout=30s');
  }
  return {
    name,
    objects: async () => {
      const all = await kubectl('get', 'jobs,pods,configmaps', '-n', name, '-o', 'name');
      return all.split('\n').filter((line) => line !== '' && line !== 'configmap/kube-root-ca.crt');
    },
    [Symbol.asyncDispose]: async () => {
      await kubectl('delete', 'namespace', name, '--wait=false');
      // What of it is in no namespace, see `cluster apply`.
      await kubectl('delete', policyKinds, '-l', `gke-code-executor/namespace=${name}`, '--wait=false');
    },
  };
}

export interface History extends Disposable {
  /** Names of the Jobs in the order of creation. */
  readonly jobs: readonly string[];
  /** Most Jobs that existed at a time. */
  mostJobs(): number;
  /** Container starts that the kubelet reported, as a count per Job: what really ran, whatever our records say. */
  starts(): ReadonlyMap<string, number>;
}

const watchedSchema = z.object({
  metadata: z.object({
    name: z.string(),
    resourceVersion: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
  status: z
    .object({
      containerStatuses: z.array(z.object({ containerID: z.string().default(''), state: z.unknown() })).default([]),
    })
    .default({ containerStatuses: [] }),
});
type Watched = z.infer<typeof watchedSchema>;

/** Follows a namespace from the cluster's side, also through restarts of the API server and the kubelet. */
export async function follow(namespace: string): Promise<History> {
  const jobs: string[] = [];
  const present = new Set<string>();
  let most = 0;
  const containers = new Map<string, Set<string>>();
  const watching = await Promise.all([
    watch(`/apis/batch/v1/namespaces/${namespace}/jobs`, (type, { metadata: { name } }) => {
      if (type === 'ADDED') jobs.push(name);
      if (type === 'DELETED') present.delete(name);
      else present.add(name);
      most = Math.max(most, present.size);
    }),
    watch(`/api/v1/namespaces/${namespace}/pods`, (_type, { metadata, status }) => {
      const job = metadata.labels['batch.kubernetes.io/job-name'] ?? metadata.name;
      for (const { containerID, state } of status.containerStatuses) {
        if (startedSchema.safeParse(state).success)
          containers.set(job, (containers.get(job) ?? new Set()).add(containerID));
      }
    }),
  ]);
  return {
    jobs,
    mostJobs: () => most,
    starts: () => new Map(Array.from(containers, ([job, ids]) => [job, ids.size])),
    [Symbol.dispose]: () => {
      for (const stop of watching) stop();
    },
  };
}

/** Begun by the kubelet, whether it has ended or not; a container that could not be started has the zero time. */
const startedAt = z.object({ startedAt: z.string().refine((time) => !time.startsWith('1970')) });
const startedSchema = z.union([z.object({ running: startedAt }), z.object({ terminated: startedAt })]);

/** Reports every change from now on: a watch that ends is resumed at the version it had come to. */
async function watch(path: string, changed: (type: string, object: Watched) => void): Promise<() => void> {
  let version = JSON.parse(await kubectl('get', '--raw', `${path}?limit=1`)).metadata.resourceVersion;
  let over = false;
  let child: ChildProcess;
  const open = () => {
    const query = `watch=1&resourceVersion=${version}&allowWatchBookmarks=true`;
    const running = spawn('kubectl', ['get', '--raw', `${path}?${query}`], { stdio: ['ignore', 'pipe', 'ignore'] });
    createInterface(running.stdout).on('line', (line) => {
      const { type, object } = JSON.parse(line);
      if (type === 'ERROR') throw new Error(`a gap in the history of ${path}: ${line}`);
      version = object.metadata.resourceVersion;
      if (type !== 'BOOKMARK') changed(type, watchedSchema.parse(object));
    });
    running.on('close', () => {
      if (!over) setTimeout(open, 100);
    });
    child = running;
  };
  open();
  return () => {
    over = true;
    child.kill();
  };
}
