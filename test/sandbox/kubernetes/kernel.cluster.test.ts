import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { classify } from '../../../src/execution/classify.ts';
import { executionId } from '../../../src/execution/identity.ts';
import { kubernetesApi } from '../../../src/sandbox/kubernetes/api.ts';
import { jobManifest } from '../../../src/sandbox/kubernetes/job-manifest.ts';
import { loadKubeconfig } from '../../../src/sandbox/kubernetes/kubeconfig.ts';
import { kubernetesSandbox } from '../../../src/sandbox/kubernetes/sandbox.ts';
import { describeCluster, temporaryNamespace } from '../../cluster.ts';
import { installationId, request } from './specs.ts';

await describeCluster('the kernel that a program runs on', () => {
  /** Runs a program in a Job like ours, in a pod of that RuntimeClass, and says how it ended. */
  async function run(runtimeClassName: string | undefined) {
    await using namespace = await temporaryNamespace();
    const { access } = await loadKubeconfig({});
    const api = kubernetesApi(access);
    const installation = { id: installationId, secret: new Uint8Array() };
    const sandbox = await kubernetesSandbox({ namespace: namespace.name, installation });
    const spec = { executionId: executionId(randomBytes(16)), request: request({ cpuRequestMillicores: 10 }) };
    const job = jobManifest({ installationId, spec, nonce: 'abcdefgh' });
    const pod = job.spec?.template.spec;
    if (pod === undefined) throw new Error('it has one');
    if (runtimeClassName === undefined) delete pod.runtimeClassName;
    await api.send({ method: 'POST', path: `/apis/batch/v1/namespaces/${namespace.name}/jobs`, body: job });
    const creation = await sandbox.create(spec);
    if (creation.kind !== 'created') throw new Error(creation.message);
    const ours = { executionId: spec.executionId, jobUid: creation.jobUid };
    const input = { code: Buffer.from('print("ran")'), stdin: new Uint8Array(), files: new Uint8Array() };
    await sandbox.start(ours, spec, input, async () => true);
    await expect.poll(async () => (await sandbox.inspect(ours)).kind, { timeout: 30_000 }).toBe('ended');
    const status = await sandbox.inspect(ours);
    const output = await sandbox.output(ours, spec);
    await sandbox.close();
    api.close();
    if (status.kind !== 'ended') throw new Error('it has');
    const { kernel, report, stdout } = output;
    const verdict = classify(status.ending, { timeoutSeconds: 300, started: true, report, kernel });
    return { kernel, verdict, stdout: Buffer.from(stdout.bytes).toString() };
  }

  test('is gVisor, and is written down', async () => {
    const { kernel, verdict, stdout } = await run('gvisor');
    expect({ state: verdict.state, stdout }).toEqual({ state: 'SUCCEEDED', stdout: 'ran\n' });
    expect(kernel).toMatch(/^gVisor \d/);
  });

  test('is refused when it is another: no code runs', async () => {
    const { kernel, verdict, stdout } = await run(undefined);
    expect(verdict).toMatchObject({
      ...{ state: 'INFRA_INTERRUPTED', fault: 'platform', started: false, retrySafe: true, reason: 'NotSandboxed' },
      message: `its kernel is ${kernel} and not gVisor`,
    });
    expect(stdout).toBe('');
    expect(kernel).toMatch(/^\d/);
  });
});
