import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterManifests } from '../../src/sandbox/kubernetes/manifests.ts';
import { kubectl, type Namespace, temporaryNamespace } from '../cluster.ts';
import { describeIdentities, kubeconfigOf, users } from '../sandbox/kubernetes/deployment.ts';
import { command, stateDirectory } from './command.ts';

/** For each kind what somebody may have done to it, and what is then said to differ. */
const meddling = [
  [
    'namespace',
    'NAMESPACE',
    { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } } },
    'metadata.labels.pod-security.kubernetes.io/enforce',
  ],
  ['serviceaccount', 'default', { automountServiceAccountToken: true }, 'automountServiceAccountToken'],
  ['resourcequota', 'executions', { spec: { hard: { 'count/jobs.batch': '9' } } }, 'spec.hard.count/jobs.batch'],
  [
    'limitrange',
    'executions',
    { spec: { limits: [{ type: 'Container', max: { cpu: '99' } }] } },
    'spec.limits.0.max.cpu',
  ],
  ['networkpolicy', 'deny-all', { spec: { egress: [{}] } }, 'spec.egress'],
  ['role', 'stream', { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] }, 'rules'],
  [
    'rolebinding',
    'launch',
    { subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'evil' }] },
    'subjects.0.name',
  ],
  [
    'validatingadmissionpolicy',
    'gke-code-executor-jobs.NAMESPACE',
    { spec: { matchConditions: [{ name: 'never', expression: 'false' }] } },
    'spec.matchConditions',
  ],
  [
    'validatingadmissionpolicybinding',
    'gke-code-executor-pods.NAMESPACE',
    { spec: { validationActions: ['Audit'] } },
    'spec.validationActions.0',
  ],
] as const;

await describeIdentities('the command "cluster"', () => {
  const state = stateDirectory();
  let namespace: Namespace;
  let options: readonly string[];
  beforeAll(async () => {
    namespace = await temporaryNamespace();
    options = ['--namespace', namespace.name, '--user', `launch=${users.launch}`, '--max-jobs', '7'];
  });
  afterAll(async () => {
    await namespace[Symbol.asyncDispose]();
    state[Symbol.dispose]();
  });

  const cluster = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await command(['cluster', ...args]);
    return { code, lines: stdout.toString().trim().split('\n'), stderr: stderr.toString() };
  };
  const titles = async () =>
    (await clusterManifests({ namespace: namespace.name, users: { launch: users.launch } })).map(
      ({ kind, metadata }) => `${kind}/${metadata.name}`,
    );
  const policies = () =>
    kubectl('get', 'validatingadmissionpolicies', '-o', 'name', '-l', `gke-code-executor/namespace=${namespace.name}`);

  test('says what is missing, and in a dry run makes nothing of it', async () => {
    const missing = await cluster('check', ...options);
    expect(missing.code).toBe(1);
    const expected = (await titles()).slice(2).map((title) => `${title} missing`);
    expect(missing.lines.slice(2)).toEqual([...expected, 'RuntimeClass/gvisor ok']);
    expect(missing.stderr).toMatch(
      /^gke-code-executor: \d+ missing or different: run "gke-code-executor cluster apply"/,
    );
    const dry = await cluster('apply', '--dry-run', ...options);
    expect(dry).toMatchObject({ code: 0, stderr: 'gke-code-executor: this was a dry run, nothing was changed\n' });
    expect(dry.lines).toContain('ResourceQuota/executions created (dry run)');
    expect(await policies()).toBe('');
    expect(await cluster('check', ...options)).toEqual(missing);
  });

  test('tries all of it in a dry run before there is a namespace', async () => {
    const name = `${namespace.name}-not`;
    const dry = await cluster('apply', '--dry-run', '--namespace', name);
    expect(dry.code).toBe(0);
    expect(dry.lines[0]).toBe(`Namespace/${name} created (dry run)`);
    expect(new Set(dry.lines.map((line) => line.split(' ').slice(1).join(' ')))).toEqual(
      new Set(['created (dry run)']),
    );
    await expect(kubectl('get', 'namespace', name)).rejects.toThrow('NotFound');
  });

  test('makes it once', async () => {
    const made = await cluster('apply', ...options);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.lines.slice(2)).toEqual((await titles()).slice(2).map((title) => `${title} created`));
    const again = await cluster('apply', ...options);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.lines).toEqual((await titles()).map((title) => `${title} unchanged`));
    const checked = await cluster('check', ...options);
    expect(checked).toMatchObject({ code: 0, stderr: '' });
    expect(checked.lines).toEqual([...(await titles()), 'RuntimeClass/gvisor'].map((title) => `${title} ok`));
  });

  test('finds what somebody changed or added in every kind of object, and puts it right', async () => {
    const named = (name: string) => name.replace('NAMESPACE', namespace.name);
    for (const [kind, name, patch] of meddling) {
      const merge = ['--type=merge', '-p', JSON.stringify(patch)];
      await kubectl('patch', kind, named(name), '-n', namespace.name, ...merge);
    }
    const { code, lines } = await cluster('check', ...options);
    expect(code).toBe(1);
    for (const [kind, name, , field] of meddling) {
      const line = lines.find((each) => each.toLowerCase().startsWith(`${kind}/${named(name)} `));
      expect(line).toContain(' different: ');
      expect(line).toContain(field);
    }
    expect(lines.filter((line) => line.includes(' different: '))).toHaveLength(meddling.length);
    const mended = await cluster('apply', ...options);
    expect(mended.lines.filter((line) => line.endsWith(' configured'))).toHaveLength(meddling.length);
    expect((await cluster('check', ...options)).code).toBe(0);
  });

  test('finds a binding to another Role, which cannot be changed, and makes it anew', async () => {
    await kubectl('delete', 'rolebinding', 'launch', '-n', namespace.name);
    const bound = ['--clusterrole=cluster-admin', `--user=${users.launch}`];
    await kubectl('create', 'rolebinding', 'launch', '-n', namespace.name, ...bound);
    const checked = await cluster('check', ...options);
    expect(checked).toMatchObject({
      code: 1,
      lines: expect.arrayContaining(['RoleBinding/launch different: roleRef']),
    });
    expect((await cluster('apply', ...options)).lines).toContain('RoleBinding/launch configured');
    expect((await cluster('check', ...options)).code).toBe(0);
  });

  test('finds every object that was deleted, and makes it anew', async () => {
    const kept = /^(Namespace|ServiceAccount)\//;
    const gone = (await titles()).filter((title) => !kept.test(title));
    await kubectl('delete', '-n', namespace.name, '--wait=false', ...gone);
    const { code, lines } = await cluster('check', ...options);
    expect(code).toBe(1);
    expect(lines.filter((line) => line.endsWith(' missing'))).toEqual(gone.map((title) => `${title} missing`));
    expect((await cluster('apply', ...options)).code).toBe(0);
    expect((await cluster('check', ...options)).code).toBe(0);
  });

  test('names the right that its user lacks, and a cluster that does not answer', async () => {
    const refused = await cluster('apply', ...options, '--kubeconfig', kubeconfigOf('stream'));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^gke-code-executor: cannot read Namespace\/.*User ".*" cannot get .*\n$/);
    const nowhere = state.write(
      'kubeconfig',
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:9' } }],
        users: [{ name: 'c', user: { token: 't' } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
      }),
    );
    const silent = await cluster('check', ...options, '--kubeconfig', nowhere);
    expect(silent.code).toBe(2);
    expect(silent.stderr).toMatch(/^gke-code-executor: cannot reach the cluster at https:\/\/127\.0\.0\.1:9 .*\n$/);
  });
});
