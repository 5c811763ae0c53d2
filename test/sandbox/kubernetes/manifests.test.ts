import { expect, test } from 'vitest';
import { z } from 'zod';
import { limits } from '../../../src/execution/limits.ts';
import { images as defaultImages } from '../../../src/sandbox/kubernetes/job-manifest.ts';
import { clusterManifests, identities, type Manifest } from '../../../src/sandbox/kubernetes/manifests.ts';
import { rulesOf } from './policed.ts';

const users = { launch: 'l@p.iam', watch: 'w@p.iam', complete: 'c@p.iam', reconcile: 'r@p.iam', stream: 's@p.iam' };
const policies = ['changes', 'config-maps', 'jobs', 'pods', 'programs'];

test('everything is in the namespace asked for, or named after it; what others refer to comes before them', async () => {
  const manifests = await clusterManifests({ namespace: 'elsewhere', users });
  const inside = ['ServiceAccount', 'ResourceQuota', 'LimitRange', 'NetworkPolicy'];
  expect(manifests.map(({ kind }) => kind)).toEqual([
    'Namespace',
    ...inside,
    ...identities.map(() => 'Role'),
    ...identities.map(() => 'RoleBinding'),
    ...policies.map(() => 'ValidatingAdmissionPolicy'),
    ...policies.map(() => 'ValidatingAdmissionPolicyBinding'),
  ]);
  for (const { kind, metadata } of manifests) {
    if (kind === 'Namespace') expect(metadata.name).toBe('elsewhere');
    else if (kind.startsWith('Validating'))
      expect(metadata.labels).toEqual({ 'gke-code-executor/namespace': 'elsewhere' });
    else expect(metadata.namespace).toBe('elsewhere');
  }
});

test('a policy judges the namespace that it is named after, by a label that nobody can take off, and fails closed', async () => {
  const manifests = await clusterManifests({ namespace: 'elsewhere', users });
  for (const name of policies.map((policy) => `gke-code-executor-${policy}.elsewhere`)) {
    const [policy, binding] = manifests.filter(({ metadata }) => metadata.name === name);
    expect(policy).toMatchObject({
      kind: 'ValidatingAdmissionPolicy',
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'elsewhere' } } },
      },
    });
    expect(binding).toMatchObject({
      kind: 'ValidatingAdmissionPolicyBinding',
      spec: { policyName: name, validationActions: ['Deny'] },
    });
  }
});

test('every rule has a message of its own', async () => {
  const messages = rulesOf(await clusterManifests({ namespace: 'executions', users }));
  expect(messages.length).toBeGreaterThan(60);
  expect(new Set(messages).size).toBe(messages.length);
});

test('every number that a rule asks for is there, and is that with which requests are checked', async () => {
  const manifests = await clusterManifests({ namespace: 'executions', users });
  const used = [...JSON.stringify(manifests).matchAll(/variables\.most\.(\w+)/g)].map(([, name]) => name);
  const bounds = variablesOf(manifests, 'programs').get('most');
  expect([...new Set(used)].sort()).toEqual(Object.keys(bounds).sort());
  expect(variablesOf(manifests, 'jobs').get('most')).toEqual(bounds);
  expect(bounds).toMatchObject({
    cpu: `${limits.cpuLimitMillicores.maximum}m`,
    memory: `${limits.memoryLimitMiB.maximum}Mi`,
    podDeadlineSeconds: String(limits.startTimeoutSeconds.maximum + limits.timeoutSeconds.maximum + 65),
  });
  expect(manifests.find(({ kind }) => kind === 'LimitRange')).toMatchObject({
    spec: { limits: [{ type: 'Container', max: { cpu: `${limits.cpuLimitMillicores.maximum}m` } }] },
  });
});

test('allowed are the images that a request gets by itself, and those asked for', async () => {
  const images = async (allowedImages?: readonly string[]) =>
    variablesOf(await clusterManifests({ namespace: 'executions', users, allowedImages }), 'programs').get('images');
  const own = [...new Set(Object.values(defaultImages))];
  expect(await images()).toEqual(own);
  expect(await images(['ghcr.io/me/'])).toEqual([...own, 'ghcr.io/me/']);
});

const policySchema = z.object({
  spec: z.object({ variables: z.array(z.object({ name: z.string(), expression: z.string() })) }),
});

/** Values of a policy's variables that are JSON. */
function variablesOf(manifests: readonly Manifest[], policy: string) {
  const found = manifests.find(({ metadata }) => metadata.name === `gke-code-executor-${policy}.executions`);
  const { variables } = policySchema.parse(found).spec;
  return new Map(
    variables
      .filter(({ expression }) => /^[{[]/.test(expression))
      .map(({ name, expression }) => [name, JSON.parse(expression)] as const),
  );
}

test('an identity that nobody is gets no rights', async () => {
  const manifests = await clusterManifests({ namespace: 'executions', users: { watch: 'w@p.iam' } });
  const bindings = manifests.filter(({ kind }) => kind === 'RoleBinding');
  expect(bindings.map(({ metadata }) => metadata.name)).toEqual(['watch']);
});

test('the network is closed for every pod, both ways', async () => {
  const manifests = await clusterManifests({ namespace: 'executions', users });
  const closed = manifests.find(({ kind }) => kind === 'NetworkPolicy');
  expect(closed?.['spec']).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
});

test('each identity is bound to the Role of its name, as the user that it is', async () => {
  const manifests = await clusterManifests({ namespace: 'executions', users });
  for (const identity of identities) {
    const binding = manifests.find(({ kind, metadata }) => kind === 'RoleBinding' && metadata.name === identity);
    expect(binding).toMatchObject({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: identity },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: users[identity] }],
    });
  }
});

test('a hundred Jobs fit at a time, or as many as asked for', async () => {
  const hard = async (maxJobs?: number) => {
    const manifests = await clusterManifests({ namespace: 'executions', users, maxJobs });
    return manifests.find(({ kind }) => kind === 'ResourceQuota');
  };
  expect(await hard()).toMatchObject({ spec: { hard: { 'count/jobs.batch': '100' } } });
  expect(await hard(7)).toMatchObject({ spec: { hard: { 'count/jobs.batch': '7' } } });
});

test('no Role names a right by a wildcard, a Secret, or a way into a pod', async () => {
  const roles = (await clusterManifests({ namespace: 'executions', users })).filter(({ kind }) => kind === 'Role');
  for (const role of roles) expect(JSON.stringify(role)).not.toMatch(/"\*"|secrets|pods\/(exec|attach|portforward)/);
});
