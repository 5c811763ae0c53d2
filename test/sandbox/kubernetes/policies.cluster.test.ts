import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../../src/execution/limits.ts';
import { images } from '../../../src/sandbox/kubernetes/job-manifest.ts';
import { jobSandbox } from '../../../src/sandbox/kubernetes/job-sandbox.ts';
import { clusterManifests } from '../../../src/sandbox/kubernetes/manifests.ts';
import { namespaceUid } from '../../../src/sandbox/kubernetes/preflight.ts';
import { applyManifests, describeCluster, kubectl, type Namespace, temporaryNamespace } from '../../cluster.ts';
import { brokenPrograms } from './broken-programs.ts';
import { brokenConfigMaps, brokenJobs } from './broken-rules.ts';
import type { Change } from './changed.ts';
import { type Kind, messageOf, type PolicedNamespace, policed, rulesOf } from './policed.ts';
import { installationId, name, spec } from './specs.ts';

const pods = brokenPrograms.filter(({ only }) => only !== 'Job');
const templates = brokenPrograms.filter(({ only }) => only !== 'Pod');
const inTemplate = ([path, value]: Change): Change => [`spec template ${path}`, value];

/** Each breaks one rule; those of changes and of who makes a Pod have tests of their own below. */
const cases = [
  ...templates.map(({ message, changes }) => ({ kind: 'Job', message, changes: changes.map(inTemplate) }) as const),
  ...brokenJobs.map((rule) => ({ kind: 'Job', ...rule }) as const),
  ...pods.map((rule) => ({ kind: 'Pod', ...rule }) as const),
  ...brokenConfigMaps.map((rule) => ({ kind: 'ConfigMap', ...rule }) as const),
].map((rule) => ({ ...rule, where: rule.changes.map(([path]) => path).join(', ') }));

const allowedImages = ['ghcr.io/me/', 'ghcr.io/you/tool:1'];
const madeByHand = 'a Pod must be made by the Job controller';
const controlled = 'a Pod must be controlled by a Job';
const changes = {
  ephemeral: 'a pod must not be given ephemeral containers',
  resize: 'a pod must not be resized',
  spec: 'the spec of a Job or a Pod must not be changed',
  labels: 'the labels of installation and execution must not be changed',
} as const;

await describeCluster('the admission policies of a namespace', () => {
  let namespace: Namespace;
  let server: PolicedNamespace;
  let rules: readonly string[];
  beforeAll(async () => {
    namespace = await temporaryNamespace();
    const manifests = await clusterManifests({ namespace: namespace.name, users: {}, allowedImages });
    await applyManifests(manifests);
    // Pod Security would refuse many a Pod before the policies do.
    await kubectl('label', 'namespace', namespace.name, 'pod-security.kubernetes.io/enforce-');
    rules = rulesOf(manifests);
    server = await policed(namespace.name);
  });
  afterAll(async () => {
    await namespace[Symbol.asyncDispose]();
    server[Symbol.dispose]();
  });

  test.each<Kind>(['Job', 'Pod', 'ConfigMap'])('admit our %s', async (kind) => {
    expect(await server.refusal(kind)).toBeUndefined();
  });

  test.each(cases)('refuse a $kind changed in $where: $message', async ({ kind, message, changes }) => {
    expect(await server.refusal(kind, ...changes)).toContain(`denied request: ${message}`);
  });

  test('refuse a Pod made by hand, even one that names a Job as its owner', async () => {
    expect(await server.refusalBy(undefined, 'Pod')).toContain(`denied request: ${madeByHand}`);
  });

  test.each([[undefined], [[]]])('refuse a Pod that no Job controls: %j', async (owners) => {
    expect(await server.refusal('Pod', ['metadata ownerReferences', owners])).toContain(
      `denied request: ${controlled}`,
    );
  });

  const usesImage = (image: string) => server.refusal('Job', ['spec template spec containers 0 image', image]);

  test.each(['node:24-slim', 'ghcr.io/me/any:2', 'ghcr.io/you/tool:1'])('admit the image %s', async (image) => {
    expect(await usesImage(image)).toBeUndefined();
  });

  test.each(['python', 'ghcr.io/menace/any:2', 'ghcr.io/you/tool:12', 'evil.invalid/ghcr.io/me/any:2'])(
    'refuse the image %s, and say which are allowed',
    async (image) => {
      const allowed = [...new Set(Object.values(images)), ...allowedImages].join(', ');
      expect(await usesImage(image)).toContain(`the image is not allowed; allowed are: ${allowed}`);
    },
  );

  test('are not alone: a LimitRange bounds a Pod too', async () => {
    const limit = `${limits.cpuLimitMillicores.maximum + 1}m`;
    const refused = await server.refusal('Pod', ['spec containers 0 resources limits cpu', limit]);
    expect(refused).toContain('maximum cpu usage per Container is 8');
  });

  test('have a test for each of their rules', () => {
    const broken = cases.map(({ message }) => message);
    const covered = new Set([...broken, madeByHand, controlled, ...Object.values(changes)]);
    expect([...covered].sort()).toEqual([...rules].sort());
  });

  describe('when a Job runs', () => {
    test('let it run to its end, and nobody change what it is', async () => {
      const { api } = server;
      const place = { api, namespace: namespace.name, namespaceUid: await namespaceUid(api, namespace.name) };
      const sandbox = jobSandbox({ ...place, installation: { id: installationId } });
      const made = await sandbox.create(spec());
      if (made.kind !== 'created') throw new Error(made.message);
      const one = { executionId: spec().executionId, jobUid: made.jobUid };
      await expect.poll(podName, { timeout: 20_000, interval: 100 }).toContain(name);
      await refusesChanges(await podName());
      const input = { code: Buffer.from('print("hello")'), stdin: new Uint8Array() };
      expect(await sandbox.start(one, spec(), input, async () => true)).toBe('started');
      await expect
        .poll(async () => (await sandbox.inspect(one)).kind, { timeout: 30_000, interval: 200 })
        .toBe('ended');
      expect(Buffer.from((await sandbox.output(one, spec())).stdout.bytes).toString()).toBe('hello\n');
      await sandbox.remove(one, { wait: true });
      await expect.poll(() => namespace.objects(), { timeout: 20_000 }).toEqual([]);
    });

    const podName = () => kubectl('get', 'pods', '-n', namespace.name, '-o', 'jsonpath={.items[*].metadata.name}');

    async function refusesChanges(pod: string): Promise<void> {
      const inside = `namespaces/${namespace.name}`;
      const onPod = `/api/v1/${inside}/pods/${pod}`;
      const onJob = `/apis/batch/v1/${inside}/jobs/${name}`;
      const ephemeral = [{ name: 'debug', image: 'python:3.11-slim' }];
      const bigger = [{ name: 'code-runner', resources: { limits: { cpu: '1' } } }];
      const image = [{ name: 'code-runner', image: 'registry.invalid/evil:1' }];
      const label = { metadata: { labels: { 'gke-code-executor/execution': 'other' } } };
      expect(await patched(`${onPod}/ephemeralcontainers`, { spec: { ephemeralContainers: ephemeral } })).toContain(
        changes.ephemeral,
      );
      expect(await patched(`${onPod}/resize`, { spec: { containers: bigger } })).toContain(changes.resize);
      expect(await patched(onPod, { spec: { containers: image } })).toContain(changes.spec);
      expect(await patched(onJob, { spec: { activeDeadlineSeconds: 1_000_000 } })).toContain(changes.spec);
      expect(await patched(onJob, label)).toContain(changes.labels);
      expect(await patched(onPod, label)).toContain(changes.labels);
    }

    async function patched(path: string, body: object): Promise<string | undefined> {
      const query = { fieldManager: 'somebody', force: 'true', dryRun: 'All' };
      const identity = path.startsWith('/apis')
        ? { apiVersion: 'batch/v1', kind: 'Job' }
        : { apiVersion: 'v1', kind: 'Pod' };
      return messageOf(await server.api.send({ method: 'PATCH', path, query, body: { ...identity, ...body } }));
    }
  });
});
