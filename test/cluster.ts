import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe } from 'vitest';

const exec = promisify(execFile);

/** Runs kubectl against the cluster that `KUBECONFIG` names; resolves to its standard output. */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await exec('kubectl', [...args], { maxBuffer: 64 * 1024 * 1024, timeout: 120_000 });
  return stdout;
}

async function unusable(): Promise<string | undefined> {
  if (process.env['KUBECONFIG'] === undefined) return 'KUBECONFIG is not set';
  return kubectl('get', 'runtimeclass', 'gvisor', '--request-timeout=5s').then(
    () => undefined,
    (error: Error) =>
      `the cluster of KUBECONFIG has no usable gVisor: ${error.message.split('\n')[1] ?? error.message}`,
  );
}

/** A suite against the real cluster. Without one it is skipped with a notice; in CI that is a failure. */
export async function describeCluster(name: string, suite: () => void): Promise<void> {
  const reason = await unusable();
  if (reason === undefined) {
    describe(name, suite);
    return;
  }
  if (process.env['CI'] === 'true') throw new Error(`${name}: ${reason}, and CI must not skip a suite`);
  process.stderr.write(`\nSKIPPED: ${name}: ${reason}\n`);
  describe.skip(`${name} (skipped: ${reason})`, suite);
}

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
    },
  };
}

/** Container starts that the kubelet reported, as a count per Job: what really ran, whatever our records say. */
export async function startsByJob(namespace: string): Promise<ReadonlyMap<string, number>> {
  const listed = await kubectl('get', 'events', '-n', namespace, '--field-selector=reason=Started', '-o', 'json');
  const events: { involvedObject: { name: string }; count?: number }[] = JSON.parse(listed).items;
  const starts = new Map<string, number>();
  for (const { involvedObject, count } of events) {
    const job = involvedObject.name.replace(/-[a-z0-9]{5}$/, '');
    starts.set(job, (starts.get(job) ?? 0) + (count ?? 1));
  }
  return starts;
}

export interface JobHistory extends Disposable {
  /** Names in the order of creation. */
  readonly created: readonly string[];
  /** Most Jobs that existed at a time. */
  most(): number;
}

/** Follows the Jobs of a namespace from the cluster's side. */
export async function followJobs(namespace: string): Promise<JobHistory> {
  const template = '-o=jsonpath={.type} {.object.metadata.name}{"\\n"}';
  const child = spawn('kubectl', ['get', 'jobs', '-n', namespace, '--watch', '--output-watch-events', template]);
  const created: string[] = [];
  let present = 0;
  let most = 0;
  createInterface(child.stdout).on('line', (line) => {
    const [type, name = ''] = line.split(' ');
    if (type === 'ADDED') created.push(name);
    present += type === 'ADDED' ? 1 : type === 'DELETED' ? -1 : 0;
    most = Math.max(most, present);
  });
  await once(child, 'spawn');
  await sleep(1_000);
  return { created, most: () => most, [Symbol.dispose]: () => void child.kill() };
}
