import { expect, test } from 'vitest';
import { UnavailableError } from '../../../src/errors.ts';
import { gkeAccess } from '../../../src/sandbox/kubernetes/gke-auth.ts';
import { failure, refusalOf } from '../../../src/sandbox/kubernetes/refusal.ts';

const endpoint = 'gke-0123.us-central1.gke.goog';

test('every request asks for the token as it is then, over connections that are kept', async () => {
  let asked = 0;
  const { server, credentials } = gkeAccess({ endpoint, auth: { getAccessToken: async () => `token-${++asked}` } });
  expect(server).toBe(`https://${endpoint}`);
  const [first, second] = [await credentials(), await credentials()];
  expect([first.headers, second.headers]).toEqual([
    { authorization: 'Bearer token-1' },
    { authorization: 'Bearer token-2' },
  ]);
  expect(first.agent).toBe(second.agent);
});

test.each([
  [undefined, 50],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])('connections are bounded by %s', async (maxConnections, maxSockets) => {
  const auth = { getAccessToken: async () => 'token' };
  const { agent } = await gkeAccess({ endpoint, auth, maxConnections }).credentials();
  expect(agent.maxSockets).toBe(maxSockets);
});

test('a process without Google credentials is told how to get some', async () => {
  const auth = { getAccessToken: () => Promise.reject(new Error('Could not load the default credentials')) };
  await expect(gkeAccess({ endpoint, auth }).credentials()).rejects.toThrow(
    new UnavailableError(
      'there are no Google Cloud credentials (Could not load the default credentials): deploy with a service account, or run "gcloud auth application-default login"',
    ),
  );
});

/** What a GKE endpoint answers, the first two from Google's front end, the last from the API server. */
test.each([
  [
    'a token that nobody accepts',
    401,
    { kind: 'Status', reason: 'Unauthorized', message: 'Unauthorized' },
    'the cluster does not accept the credentials (Unauthorized)',
  ],
  [
    'an identity that IAM lets not connect',
    403,
    { error: { code: 403, message: "Permission 'container.clusters.connect' denied", status: 'PERMISSION_DENIED' } },
    'on GKE grant it a role with the permission container.clusters.connect',
  ],
  [
    'the same in the words of a proxy',
    403,
    'Forbidden',
    'refuses this identity (HTTP 403: Forbidden); on GKE grant it a role with the permission',
  ],
  [
    'an identity without a Role',
    403,
    {
      kind: 'Status',
      reason: 'Forbidden',
      message:
        'jobs.batch is forbidden: User "launch@p.iam.gserviceaccount.com" cannot create resource "jobs" in API group "batch" in the namespace "executions": requires one of ["container.jobs.create"] permission(s).',
    },
    'kubectl --namespace executions create role gke-code-executor-create-jobs --verb=create --resource=jobs.batch',
  ],
])('%s is told apart, with the fix', (_what, status, body, says) => {
  const refusal = refusalOf({ status, body });
  if (refusal === undefined) throw new Error('it is a refusal');
  const error = failure(refusal, 'create the Job');
  expect(error).toBeInstanceOf(UnavailableError);
  expect(error.message).toContain(says);
});
