import { expect, test } from 'vitest';
import { clusterManifests, identities } from '../../../src/sandbox/kubernetes/manifests.ts';

const users = { launch: 'l@p.iam', watch: 'w@p.iam', complete: 'c@p.iam', reconcile: 'r@p.iam', stream: 's@p.iam' };

test('everything is in the namespace asked for, which comes first, and Roles before their bindings', async () => {
  const [first, ...rest] = await clusterManifests({ namespace: 'elsewhere', users });
  expect(first).toMatchObject({ kind: 'Namespace', metadata: { name: 'elsewhere' } });
  for (const { metadata } of rest) expect(metadata.namespace).toBe('elsewhere');
  expect(rest.map(({ kind }) => kind)).toEqual([
    'ResourceQuota',
    ...identities.map(() => 'Role'),
    ...identities.map(() => 'RoleBinding'),
  ]);
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
