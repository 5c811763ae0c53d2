import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Job, V1PodSpec } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { executionId } from '../../../src/execution/identity.ts';
import { kubernetesApi } from '../../../src/sandbox/kubernetes/api.ts';
import { jobManifest } from '../../../src/sandbox/kubernetes/job-manifest.ts';
import type { KubernetesSandbox } from '../../../src/sandbox/kubernetes/job-sandbox.ts';
import { loadKubeconfig } from '../../../src/sandbox/kubernetes/kubeconfig.ts';
import { objectSchema } from '../../../src/sandbox/kubernetes/objects.ts';
import { bodyOf } from '../../../src/sandbox/kubernetes/refusal.ts';
import { kubernetesSandbox } from '../../../src/sandbox/kubernetes/sandbox.ts';
import type { Job, SandboxStatus } from '../../../src/sandbox/sandbox.ts';
import { describeCluster, kubectl, type Namespace, temporaryNamespace } from '../../cluster.ts';
import { installationId, request } from './specs.ts';

await describeCluster('what a real kubelet says of pods that end badly or do not start', () => {
  describe.concurrent('is told by inspect', () => {
    let namespace: Namespace;
    let sandbox: KubernetesSandbox;
    beforeAll(async () => {
      namespace = await temporaryNamespace();
      const installation = { id: installationId, secret: new Uint8Array() };
      sandbox = await kubernetesSandbox({ namespace: namespace.name, installation });
    });
    afterAll(async () => {
      await sandbox.close();
      await namespace[Symbol.asyncDispose]();
    });

    /** Makes a Job like ours, whose pod is changed so that it goes wrong. It waits for no ConfigMap. */
    async function make(change: (pod: V1PodSpec, job: V1Job) => void): Promise<Job> {
      const { access } = await loadKubeconfig({});
      const api = kubernetesApi(access);
      const spec = { executionId: executionId(randomBytes(16)), request: request({ cpuRequestMillicores: 10 }) };
      const job = jobManifest({ installationId, spec, nonce: 'none' });
      const pod = job.spec?.template.spec;
      const [container] = pod?.containers ?? [];
      if (!pod?.volumes || !container?.volumeMounts) throw new Error('it has them');
      pod.volumes = pod.volumes.filter(({ configMap }) => configMap === undefined);
      container.volumeMounts = container.volumeMounts.filter(({ name }) => name !== 'execution');
      container.command = ['python3', '-c', 'import time; time.sleep(60)'];
      change(pod, job);
      const path = `/apis/batch/v1/namespaces/${namespace.name}/jobs`;
      const { metadata } = objectSchema.parse(
        bodyOf(await api.send({ method: 'POST', path, body: job }), 'create the Job'),
      );
      api.close();
      return { executionId: spec.executionId, jobUid: metadata.uid };
    }

    async function until(
      job: Job,
      matches: (status: SandboxStatus) => boolean,
      within = sandbox,
    ): Promise<SandboxStatus> {
      for (let status: SandboxStatus = { kind: 'absent' }, turn = 0; ; turn++) {
        status = await within.inspect(job);
        if (matches(status)) return status;
        if (turn > 200) throw new Error(`still ${JSON.stringify(status)}`);
        await sleep(200);
      }
    }
    const ended = (job: Job) => until(job, ({ kind }) => kind === 'ended');
    const waits = (job: Job, reason: string) =>
      until(job, (status) => status.kind === 'waiting' && status.waiting.reason === reason);
    const run = (code: string) =>
      make((pod) => {
        for (const container of pod.containers) container.command = ['python3', '-c', code];
      });

    const limits = { timeout: 60_000 };

    test('the deadline of the pod', limits, async () => {
      const job = await make((pod) => {
        pod.activeDeadlineSeconds = 3;
      });
      expect(await ended(job)).toMatchObject({
        ending: { podReason: 'DeadlineExceeded', container: { startedAt: expect.any(Number) } },
        deleting: false,
      });
    });

    test('the deadline of a pod whose container never started', limits, async () => {
      const job = await make((pod) => {
        pod.activeDeadlineSeconds = 3;
        for (const container of pod.containers) container.image = 'registry.invalid/none:1';
      });
      const status = await ended(job);
      expect(status).toMatchObject({ ending: { podReason: 'DeadlineExceeded' } });
      expect(JSON.stringify(status)).not.toMatch(/"startedAt":\d/);
    });

    test('a work directory that is full', limits, async () => {
      const fill = [
        'try:',
        '    with open("/work/x", "wb") as file:',
        '        for _ in range(1000): file.write(bytes(1 << 20))',
        'except OSError as error:',
        '    raise SystemExit(error.errno)',
      ].join('\n');
      const enospc = 28;
      expect(await ended(await run(fill))).toMatchObject({
        ending: { podReason: '', container: { exitCode: enospc, reason: 'Error' } },
      });
    });

    test('a signal from inside', limits, async () => {
      const job = await run('import os; os.kill(os.getpid(), 11)');
      expect(await ended(job)).toMatchObject({
        ending: { podReason: '', container: { exitCode: 139, reason: 'Error' } },
      });
    });

    test('a message of the program is not passed on', limits, async () => {
      const job = await run('open("/dev/termination-log", "w").write("forged"); raise SystemExit(5)');
      expect(await ended(job)).toMatchObject({ ending: { container: { exitCode: 5, message: '' } } });
    });

    test('an eviction through the API is no deletion of ours', limits, async () => {
      const job = await make(() => {});
      await until(job, ({ kind }) => kind === 'running');
      const pod = await podOf(job);
      const eviction = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: pod, namespace: namespace.name },
      };
      const { access } = await loadKubeconfig({});
      const api = kubernetesApi(access);
      const path = `/api/v1/namespaces/${namespace.name}/pods/${pod}/eviction`;
      bodyOf(await api.send({ method: 'POST', path, body: eviction }), 'evict');
      api.close();
      const status = await ended(job);
      if (status.kind !== 'ended') throw new Error('it ended');
      const { disruption, jobReason } = status.ending;
      expect([`${disruption}${jobReason}`, status.deleting]).toEqual([
        expect.stringMatching(/^(EvictionByEvictionAPI|PodFailurePolicy)$/),
        false,
      ]);
    });

    test('a pod that somebody deletes while it runs', limits, async () => {
      const job = await make(() => {});
      await until(job, ({ kind }) => kind === 'running');
      await kubectl('delete', 'pod', '-n', namespace.name, await podOf(job), '--wait=false');
      const status = await ended(job);
      if (status.kind !== 'ended') throw new Error('it ended');
      const byPod = status.deleting && status.ending.container !== null;
      const byJob = status.ending.jobReason === 'BackoffLimitExceeded';
      expect(byPod || byJob).toBe(true);
    });

    async function podOf({ jobUid }: Job): Promise<string> {
      const selector = `batch.kubernetes.io/controller-uid=${jobUid}`;
      return (
        await kubectl('get', 'pods', '-n', namespace.name, '-l', selector, '-o', 'jsonpath={.items[0].metadata.name}')
      ).trim();
    }

    test('a program that is not there', limits, async () => {
      const job = await make((pod) => {
        for (const container of pod.containers) container.command = ['/nowhere'];
      });
      const status = await until(
        job,
        ({ kind, ...rest }) => kind === 'ended' || ('waiting' in rest && rest.waiting.reason === 'Configuration'),
      );
      expect(JSON.stringify(status)).toMatch(
        /StartError|ContainerCannotRun|CreateContainerError|RunContainerError|nowhere/,
      );
      expect(JSON.stringify(status)).not.toMatch(/"startedAt":\d/);
    });

    test('an image that is nowhere', limits, async () => {
      const job = await make((pod) => {
        for (const container of pod.containers) container.image = 'registry.invalid/none:1';
      });
      expect(await waits(job, 'Image')).toMatchObject({ waiting: { curable: false } });
    });

    test('a user that the image does not allow', limits, async () => {
      const job = await make((pod) => {
        if (pod.securityContext) pod.securityContext.runAsUser = 0;
      });
      expect(await waits(job, 'Configuration')).toMatchObject({ waiting: { curable: false } });
    });

    test('no node for it', limits, async () => {
      const job = await make((pod) => {
        for (const { resources } of pod.containers) if (resources) resources.limits = { cpu: '5000' };
        for (const { resources } of pod.containers) if (resources) resources.requests = { cpu: '5000' };
      });
      expect(await waits(job, 'Unschedulable')).toMatchObject({
        waiting: { curable: true, message: expect.stringContaining('Insufficient cpu') },
      });
    });

    test('no RuntimeClass of that name', limits, async () => {
      const job = await make((pod) => {
        pod.runtimeClassName = 'none';
      });
      const status = await until(job, (now) => now.kind === 'waiting' && !now.waiting.curable);
      expect(status).toMatchObject({
        waiting: { reason: 'PodCreation', message: expect.stringContaining('RuntimeClass "none" not found') },
      });
    });

    test('a ConfigMap that does not come', limits, async () => {
      const made = await sandbox.create({ executionId: executionId(randomBytes(16)), request: request() });
      if (made.kind !== 'created') throw new Error(made.message);
      const job = { executionId: '', jobUid: made.jobUid };
      expect(await waits(job, 'Mount')).toMatchObject({ waiting: { curable: true } });
    });

    test('no quota for pods', limits, async () => {
      await using small = await temporaryNamespace();
      await kubectl('create', 'quota', 'pods', '-n', small.name, '--hard=pods=0');
      await kubectl('wait', '-n', small.name, 'quota/pods', '--for=jsonpath={.status.hard}', '--timeout=30s');
      const installation = { id: installationId, secret: new Uint8Array() };
      const other = await kubernetesSandbox({ namespace: small.name, installation });
      const spec = { executionId: executionId(randomBytes(16)), request: request() };
      const made = await other.create(spec);
      if (made.kind !== 'created') throw new Error(made.message);
      const job = { executionId: spec.executionId, jobUid: made.jobUid };
      const status = await until(job, (now) => now.kind === 'waiting' && now.waiting.reason === 'Quota', other);
      expect(status).toMatchObject({ waiting: { curable: true } });
      await other.close();
    });
  });
});
