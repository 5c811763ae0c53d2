import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../../src/errors.ts';
import { specHash } from '../../../src/sandbox/kubernetes/job-manifest.ts';
import { jobSandbox } from '../../../src/sandbox/kubernetes/job-sandbox.ts';
import { type FakeApi, fakeApi, job, refuse, reply } from './fake-api.ts';
import { executionId, installationId, name, spec } from './specs.ts';

const jobs = '/apis/batch/v1/namespaces/ns/jobs';
const configMaps = '/api/v1/namespaces/ns/configmaps';
const theJob = { executionId, jobUid: 'uid-1' };
const input = { code: Buffer.from('print(1)'), stdin: new Uint8Array(), files: new Uint8Array() };
const permit = async () => true;

const sandboxOn = ({ api }: FakeApi) =>
  jobSandbox({ api, namespace: 'ns', namespaceUid: 'ns-uid', installation: { id: installationId } });

const labels = {
  'app.kubernetes.io/managed-by': 'gke-code-executor',
  'gke-code-executor/installation': installationId,
  'gke-code-executor/execution': executionId,
};
const annotations = { 'gke-code-executor/spec-sha256': specHash(spec()) };
const ours = (metadata: object = {}) =>
  job(name, 'uid-1', { metadata: { labels, annotations, ...metadata }, configMap: `${name}-there` });

/** Answers a create with that refusal, and reads of the Job with what is there. */
function existing(code: number, reason: string, message: string, there: object | undefined): Promise<FakeApi> {
  return fakeApi(({ method }, response) => {
    if (method === 'POST') refuse(response, code, reason, message);
    else if (there === undefined) refuse(response, 404, 'NotFound');
    else reply(response, 200, there);
  });
}

describe('create', () => {
  test('makes one Job and returns its uid', async () => {
    await using fake = await fakeApi((_asked, response) => reply(response, 201, ours()));
    expect(await sandboxOn(fake).create(spec())).toEqual({ kind: 'created', jobUid: 'uid-1' });
    expect(fake.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([`POST ${jobs}`]);
  });

  test('names another ConfigMap each time', async () => {
    await using fake = await fakeApi((_asked, response) => reply(response, 201, ours()));
    await sandboxOn(fake).create(spec());
    await sandboxOn(fake).create(spec());
    const names = fake.asked.map(({ body }) => /"configMap":{"name":"([^"]*)"/.exec(body)?.[1]);
    expect(names[0]).toMatch(new RegExp(`^${name}-[a-z2-7]{8}$`));
    expect(new Set(names).size).toBe(2);
  });

  test('adopts the Job that is there when it is ours in everything', async () => {
    await using fake = await existing(409, 'AlreadyExists', 'exists', ours());
    expect(await sandboxOn(fake).create(spec())).toEqual({ kind: 'created', jobUid: 'uid-1' });
  });

  test.each([
    ['of another installation', { labels: { ...labels, 'gke-code-executor/installation': 'other' } }],
    ['of another execution', { labels: { ...labels, 'gke-code-executor/execution': 'other' } }],
    ['of nobody', { labels: {} }],
    ['for another request', { annotations: { 'gke-code-executor/spec-sha256': 'other' } }],
    ['without a hash', { annotations: {} }],
  ])('rejects when the Job of that name is %s', async (_what, metadata) => {
    await using fake = await existing(409, 'AlreadyExists', 'exists', ours(metadata));
    expect(await sandboxOn(fake).create(spec())).toEqual({
      kind: 'rejected',
      message: `a Job ${name} exists that was made for another request`,
    });
  });

  test('throws, to be tried again, while the Job of that name is being deleted or just vanished', async () => {
    await using going = await existing(409, 'AlreadyExists', '', ours({ deletionTimestamp: '2026-01-01T00:00:00Z' }));
    await expect(sandboxOn(going).create(spec())).rejects.toThrow('is still being deleted');
    await using gone = await existing(409, 'AlreadyExists', '', undefined);
    await expect(sandboxOn(gone).create(spec())).rejects.toThrow('vanished');
  });

  const quota = 'jobs.batch "run" is forbidden: exceeded quota: executions, requested: count/jobs.batch=1, used: 5';
  test('is full when the quota is used up, unless the Job is there already', async () => {
    await using full = await existing(403, 'Forbidden', quota, undefined);
    expect(await sandboxOn(full).create(spec())).toEqual({ kind: 'full', message: quota });
    await using there = await existing(403, 'Forbidden', quota, ours());
    expect(await sandboxOn(there).create(spec())).toEqual({ kind: 'created', jobUid: 'uid-1' });
  });

  test('tries again when it collided with another at the quota, and gives up in the end', async () => {
    let posts = 0;
    await using fake = await fakeApi((_asked, response) => {
      posts += 1;
      if (posts < 3) refuse(response, 409, 'Conflict', 'Operation cannot be fulfilled on resourcequotas "q"');
      else reply(response, 201, ours());
    });
    expect(await sandboxOn(fake).create(spec())).toMatchObject({ kind: 'created' });
    await using always = await existing(409, 'Conflict', 'resourcequotas', undefined);
    await expect(sandboxOn(always).create(spec())).rejects.toThrow('resourcequotas');
    expect(always.asked).toHaveLength(5);
  });

  test.each([
    [422, 'Invalid', "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"],
    [403, 'Forbidden', 'admission webhook "w" denied the request'],
    [400, 'BadRequest', 'strict decoding error'],
  ])('rejects for good what %i %s refuses', async (code, reason, message) => {
    await using fake = await existing(code, reason, message, undefined);
    expect(await sandboxOn(fake).create(spec())).toEqual({ kind: 'rejected', message });
  });

  test('says what is missing when the right or the namespace is', async () => {
    const rbac = 'User "u" cannot create resource "jobs" in API group "batch" in the namespace "ns"';
    await using forbidden = await existing(403, 'Forbidden', rbac, undefined);
    await expect(sandboxOn(forbidden).create(spec())).rejects.toThrow(UnavailableError);
    await expect(sandboxOn(forbidden).create(spec())).rejects.toThrow('--verb=create --resource=jobs.batch');
    await using gone = await existing(404, 'NotFound', 'namespaces "ns" not found', undefined);
    await expect(sandboxOn(gone).create(spec())).rejects.toThrow('kubectl create namespace ns');
  });

  test('throws for what may pass', async () => {
    await using fake = await existing(500, 'InternalError', 'etcdserver: leader changed', undefined);
    await expect(sandboxOn(fake).create(spec())).rejects.toThrow('cannot create the Job: etcdserver: leader changed');
  });
});

describe('start', () => {
  /** A Job that waits for `<name>-there`; ConfigMaps are answered as the test says. */
  function waiting(post: [number, string], there?: object, found: object = ours()): Promise<FakeApi> {
    return fakeApi(({ method, path }, response) => {
      if (method === 'POST') {
        const [code, reason] = post;
        if (code < 300) reply(response, code, {});
        else refuse(response, code, reason, reason);
      } else if (path.startsWith(jobs)) reply(response, 200, found);
      else if (there === undefined) refuse(response, 404, 'NotFound');
      else reply(response, 200, there);
    });
  }
  const start = (fake: FakeApi, wanted = theJob) => sandboxOn(fake).start(wanted, spec(), input, permit);
  const ownedBy = (uid: string) => ({
    metadata: { name: 'cm', uid: 'cm', creationTimestamp: '2026-01-01T00:00:00Z', ownerReferences: [{ uid }] },
  });

  test('makes the ConfigMap that the Job names: immutable, owned by the Job, with bundle and supervisor', async () => {
    await using fake = await waiting([201, '']);
    expect(await start(fake)).toBe('started');
    const [, post] = fake.asked;
    expect(post?.path).toBe(configMaps);
    const { binaryData, ...rest } = JSON.parse(post?.body ?? '');
    expect(rest).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: `${name}-there`,
        labels,
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid: 'uid-1' }],
      },
      immutable: true,
    });
    expect(Object.keys(binaryData)).toEqual(['sitecustomize.py', 'work_files.py', 'bundle']);
    expect(Buffer.from(binaryData.bundle, 'base64').toString()).toContain('code 8\nprint(1)\n');
  });

  test('does not ask for the Job that it made itself', async () => {
    await using fake = await fakeApi(({ path }, response) => reply(response, 201, path === jobs ? ours() : {}));
    const sandbox = sandboxOn(fake);
    await sandbox.create(spec());
    expect(await sandbox.start(theJob, spec(), input, permit)).toBe('started');
    expect(fake.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([`POST ${jobs}`, `POST ${configMaps}`]);
  });

  test('asks for the Job when its uid comes with the id of another execution', async () => {
    await using fake = await fakeApi(({ method, path }, response) => {
      if (method === 'GET') refuse(response, 404, 'NotFound');
      else reply(response, 201, path === jobs ? ours() : {});
    });
    const sandbox = sandboxOn(fake);
    await sandbox.create(spec());
    const mixed = { ...theJob, executionId: 'zyxwvutsrqponmlkjihgfedcba' };
    expect(await sandbox.start(mixed, spec(), input, permit)).toBe('absent');
  });

  test.each([
    ['another uid', { jobUid: 'uid-2' }, ours()],
    ['a Job that is being deleted', {}, ours({ deletionTimestamp: '2026-01-01T00:00:00Z' })],
  ])('is absent for %s, and hands nothing over', async (_what, wanted, found) => {
    await using fake = await waiting([201, ''], undefined, found);
    expect(await start(fake, { ...theJob, ...wanted })).toBe('absent');
    expect(fake.asked.map(({ method }) => method)).toEqual(['GET']);
  });

  test('is started already when the ConfigMap is there and of this Job', async () => {
    await using fake = await waiting([409, 'AlreadyExists'], ownedBy('uid-1'));
    expect(await start(fake)).toBe('started');
  });

  test('throws when the ConfigMap that is there is of another owner', async () => {
    await using fake = await waiting([409, 'AlreadyExists'], ownedBy('somebody'));
    await expect(start(fake)).rejects.toThrow(`a ConfigMap ${name}-there exists that is not of this Job`);
  });

  test('throws, to be tried again, when the ConfigMap vanishes or the server has trouble', async () => {
    await using vanished = await waiting([409, 'AlreadyExists']);
    await expect(start(vanished)).rejects.toThrow('vanished');
    await using trouble = await waiting([500, 'InternalError']);
    await expect(start(trouble)).rejects.toThrow('cannot create the ConfigMap: InternalError');
  });

  test('is absent when the namespace is gone', async () => {
    await using fake = await waiting([404, 'NotFound']);
    expect(await start(fake)).toBe('absent');
  });
});
