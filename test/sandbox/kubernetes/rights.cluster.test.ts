import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { executionId } from '../../../src/execution/identity.ts';
import { kubernetesApi } from '../../../src/sandbox/kubernetes/api.ts';
import { loadKubeconfig } from '../../../src/sandbox/kubernetes/kubeconfig.ts';
import { bodyOf } from '../../../src/sandbox/kubernetes/refusal.ts';
import { kubernetesSandbox } from '../../../src/sandbox/kubernetes/sandbox.ts';
import type { Observation } from '../../../src/sandbox/sandbox.ts';
import { describeCluster, kubectl, type Namespace, temporaryNamespace } from '../../cluster.ts';
import { request } from './specs.ts';

const exec = promisify(execFile);
const installation = { id: 'abcdefgh', secret: new Uint8Array() };

/** The rights that one process needs, in the order in which it asks for them. */
const rights = {
  namespace: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['get'] }],
  objects: [
    { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get', 'list', 'watch', 'delete'] },
    { apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'get'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
  ],
  words: [
    { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
    { apiGroups: [''], resources: ['events'], verbs: ['list'] },
  ],
} as const;

await describeCluster('an identity with rights in one namespace only', () => {
  let namespace: Namespace;
  let directory: string;
  let kubeconfig: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rights-'));
    namespace = await temporaryNamespace();
    const inside = ['-n', namespace.name] as const;
    await kubectl('create', 'serviceaccount', 'executor', ...inside);
    const token = (await kubectl('create', 'token', 'executor', ...inside)).trim();
    const config = JSON.parse(await kubectl('config', 'view', '--raw', '--minify', '-o', 'json'));
    config.users = [{ name: config.contexts[0].context.user, user: { token } }];
    kubeconfig = join(directory, 'kubeconfig');
    await writeFile(kubeconfig, JSON.stringify(config));
  });
  afterAll(async () => {
    await namespace[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });
  const open = () => kubernetesSandbox({ kubeconfig, namespace: namespace.name, installation });

  async function allow(name: keyof typeof rights): Promise<void> {
    const { access } = await loadKubeconfig({});
    const api = kubernetesApi(access);
    const base = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name } };
    const group = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace.name}`;
    const subjects = [{ kind: 'ServiceAccount', name: 'executor', namespace: namespace.name }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
    const make = async (path: string, body: object) => {
      bodyOf(await api.send({ method: 'POST', path: `${group}/${path}`, body: { ...base, ...body } }), path);
    };
    await make('roles', { kind: 'Role', rules: rights[name] });
    await make('rolebindings', { kind: 'RoleBinding', subjects, roleRef });
    api.close();
    // The authorizer hears of it a moment later.
    await sleep(500);
  }

  test('hears which rights it lacks, and runs code with exactly those', { timeout: 60_000 }, async () => {
    const user = `system:serviceaccount:${namespace.name}:executor`;
    await expect(open()).rejects.toThrow(
      new RegExp(
        `cannot read the namespace .*User "${user}" cannot get .* create role .*--verb=get --resource=namespaces`,
      ),
    );
    await allow('namespace');
    await expect(open()).rejects.toThrow(
      `the user ${user} lacks rights in the namespace ${namespace.name}: create,get,list,watch,delete jobs.batch; ` +
        'create,get configmaps; get,list,watch pods; get pods/log; list events.',
    );
    await allow('objects');
    await expect(open()).rejects.toThrow(`lacks rights in the namespace ${namespace.name}: get pods/log; list events.`);
    await allow('words');

    const sandbox = await open();
    const ending = new AbortController();
    const seen: Observation[] = [];
    const watching = sandbox.watch((observation) => seen.push(observation), ending.signal, console.error);
    const spec = { executionId: executionId(randomBytes(16)), request: request() };
    const made = await sandbox.create(spec);
    if (made.kind !== 'created') throw new Error(made.message);
    const job = { executionId: spec.executionId, jobUid: made.jobUid };
    const input = { code: Buffer.from('print("hello")'), stdin: new Uint8Array(), files: new Uint8Array() };
    expect(await sandbox.start(job, spec, input, async () => true)).toBe('started');
    await expect.poll(() => seen.map(({ status }) => status.kind), { timeout: 30_000 }).toContain('ended');
    expect(Buffer.from((await sandbox.output(job, spec)).stdout.bytes).toString()).toBe('hello\n');
    expect(await sandbox.remove(job, { wait: true })).toEqual({ started: true });
    ending.abort();
    await watching;
    await sandbox.close();
    await expect.poll(() => namespace.objects(), { timeout: 20_000 }).toEqual([]);
  });
});

await describeCluster('a process with a sandbox', () => {
  test('ends as soon as it has nothing to do, also when it does not close it', { timeout: 30_000 }, async () => {
    await using namespace = await temporaryNamespace();
    const script = `
      const { kubernetesSandbox } = await import('./src/sandbox/kubernetes/sandbox.ts');
      const installation = { id: 'abcdefgh', secret: new Uint8Array() };
      const sandbox = await kubernetesSandbox({ namespace: '${namespace.name}', installation });
      await sandbox.list();
      const over = performance.now();
      process.on('exit', () => console.log(Math.round(performance.now() - over)));
    `;
    const { stdout } = await exec(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
    expect(Number(stdout)).toBeLessThan(1000);
  });
});

await describeCluster('a start signal that comes too late', () => {
  test('goes with its Job, which is gone', { timeout: 60_000 }, async () => {
    await using namespace = await temporaryNamespace();
    const sandbox = await kubernetesSandbox({ namespace: namespace.name, installation });
    const spec = { executionId: executionId(randomBytes(16)), request: request() };
    const made = await sandbox.create(spec);
    if (made.kind !== 'created') throw new Error(made.message);
    await kubectl('delete', 'jobs', '--all', '-n', namespace.name, '--cascade=foreground');
    const job = { executionId: spec.executionId, jobUid: made.jobUid };
    const input = { code: Buffer.from('print("hello")'), stdin: new Uint8Array(), files: new Uint8Array() };
    await sandbox.start(job, spec, input, async () => true);
    await expect.poll(() => namespace.objects(), { timeout: 40_000, interval: 500 }).toEqual([]);
    expect(await sandbox.inspect(job)).toEqual({ kind: 'absent' });
    await sandbox.close();
  });
});
