import { describe, expect, test } from 'vitest';
import { jobManifest, specHash } from '../../../src/sandbox/kubernetes/job-manifest.ts';
import { executionId, installationId, name, spec } from './specs.ts';

const nonce = 'nonce234';
const labels = {
  'app.kubernetes.io/managed-by': 'gke-code-executor',
  'gke-code-executor/installation': installationId,
  'gke-code-executor/execution': executionId,
};

describe('jobManifest', () => {
  test('says everything about the Job of a request with defaults', () => {
    expect(jobManifest({ installationId, spec: spec(), nonce })).toEqual({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, labels, annotations: { 'gke-code-executor/spec-sha256': specHash(spec()) } },
      spec: {
        completions: 1,
        parallelism: 1,
        backoffLimit: 0,
        podReplacementPolicy: 'Failed',
        podFailurePolicy: {
          rules: [{ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
        },
        activeDeadlineSeconds: 1025,
        ttlSecondsAfterFinished: 43_200,
        template: {
          metadata: { labels, annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' } },
          spec: {
            runtimeClassName: 'gvisor',
            nodeSelector: { 'sandbox.gke.io/runtime': 'gvisor' },
            tolerations: [{ key: 'sandbox.gke.io/runtime', operator: 'Equal', value: 'gvisor', effect: 'NoSchedule' }],
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            hostname: 'sandbox',
            setHostnameAsFQDN: false,
            dnsPolicy: 'None',
            dnsConfig: { nameservers: ['127.0.0.1'] },
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 1001,
              runAsGroup: 1001,
              seccompProfile: { type: 'RuntimeDefault' },
            },
            restartPolicy: 'Never',
            activeDeadlineSeconds: 665,
            terminationGracePeriodSeconds: 1,
            containers: [
              {
                name: 'code-runner',
                image: 'python:3.11-slim',
                imagePullPolicy: 'IfNotPresent',
                command: ['python3', '-u', '/work/main.py'],
                workingDir: '/work',
                env: [
                  { name: 'HOME', value: '/work' },
                  { name: 'TMPDIR', value: '/work' },
                  { name: 'PYTHONPATH', value: '/execution' },
                  { name: 'LANG', value: 'C.UTF-8' },
                ],
                resources: {
                  requests: { cpu: '200m', memory: '256Mi', 'ephemeral-storage': '128Mi' },
                  limits: { cpu: '500m', memory: '512Mi', 'ephemeral-storage': '128Mi' },
                },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  capabilities: { drop: ['ALL'] },
                  privileged: false,
                  readOnlyRootFilesystem: true,
                },
                volumeMounts: [
                  { name: 'execution', mountPath: '/execution', readOnly: true },
                  { name: 'work', mountPath: '/work' },
                ],
              },
            ],
            volumes: [
              { name: 'execution', configMap: { name: `${name}-${nonce}`, defaultMode: 0o444 } },
              { name: 'work', emptyDir: { medium: 'Memory', sizeLimit: '256Mi' } },
            ],
          },
        },
      },
    });
  });

  test('starts the supervisor of JavaScript in its own way', () => {
    const job = jobManifest({ installationId, spec: spec({ language: 'javascript' }), nonce });
    expect(job.spec?.template.spec?.containers[0]).toMatchObject({
      command: ['node', '/execution/supervisor.mjs', '/work/main.js'],
      env: [
        { name: 'HOME', value: '/work' },
        { name: 'TMPDIR', value: '/work' },
        { name: 'LANG', value: 'C.UTF-8' },
      ],
    });
  });

  test.each([
    [{ language: 'javascript' as const }, 'node:24-slim'],
    [{ image: 'registry.example/python:3' }, 'registry.example/python:3'],
    [{ language: 'javascript' as const, image: 'node:22' }, 'node:22'],
  ])('%j runs in the image %s', (fields, image) => {
    const job = jobManifest({ installationId, spec: spec(fields), nonce });
    expect(job.spec?.template.spec?.containers[0]?.image).toBe(image);
  });

  test('the label invocation-id becomes the annotation that the Agent Development Kit looks for', () => {
    const labelled = spec({ labels: { 'invocation-id': 'e-123', other: 'x' } });
    expect(jobManifest({ installationId, spec: labelled, nonce }).metadata?.annotations).toEqual({
      'gke-code-executor/spec-sha256': specHash(labelled),
      'adk.agent.google.com/invocation-id': 'e-123',
    });
  });

  test('nothing of the program, its arguments or its environment is in the Job', () => {
    const secret = spec({ args: ['secret-arg'], env: { TOKEN: 'secret-env' }, envNames: ['TOKEN'] });
    expect(JSON.stringify(jobManifest({ installationId, spec: secret, nonce }))).not.toMatch(/secret|TOKEN/);
  });

  test('the longest name of a pod stays within 63 characters', () => {
    expect(`${name}-abcde`.length).toBeLessThanOrEqual(63);
  });
});

describe('specHash', () => {
  test('is the same whatever the order of the keys', () => {
    const env = { A: '1', B: '2' };
    const reversed = { B: '2', A: '1' };
    expect(specHash(spec({ env }))).toBe(specHash(spec({ env: reversed })));
  });

  test.each([
    { memoryLimitMiB: 513 },
    { args: ['a'] },
    { env: { A: '1' } },
    { image: 'x' },
    { codeBytes: 9 },
    { timeoutSeconds: 301 },
  ])('differs for %j', (fields) => {
    expect(specHash(spec(fields))).not.toBe(specHash(spec()));
  });

  test('keeps the order of arguments', () => {
    expect(specHash(spec({ args: ['a', 'b'] }))).not.toBe(specHash(spec({ args: ['b', 'a'] })));
  });
});
