import { createHash } from 'node:crypto';
import type { V1Job, V1PodSpec, V1PodTemplateSpec } from '@kubernetes/client-node';
import type { ExecutionRequest, Language } from '../../execution/execution.ts';
import { jobName } from '../../execution/identity.ts';
import { clocks, sizes } from '../../execution/limits.ts';
import { podCommands } from '../../supervisor/pod-commands.ts';
import type { SandboxSpec } from '../sandbox.ts';

/** Labels on every object we make; selectors use the installation, so that two stores never touch each other's. */
export const labels = {
  managedBy: 'app.kubernetes.io/managed-by',
  installation: 'gke-code-executor/installation',
  execution: 'gke-code-executor/execution',
} as const;

export const annotations = {
  /** SHA-256 of the spec the Job was made for. */
  specHash: 'gke-code-executor/spec-sha256',
  /** Google's Agent Development Kit finds its Jobs by it. */
  invocation: 'adk.agent.google.com/invocation-id',
} as const;

/** Label of an execution whose value becomes the annotation `adk.agent.google.com/invocation-id`. */
const invocationLabel = 'invocation-id';

const managedBy = 'gke-code-executor';
export const containerName = 'code-runner';
export const runtimeClass = 'gvisor';

/** Names of the images that run a language unless the request names its own. */
export const images = { python: 'python:3.11-slim', javascript: 'node:24-slim' } as const;

/** Non-root user and group of the program, as in Google's Agent Development Kit. */
const user = 1001;

const ephemeralStorage = `${sizes.ephemeralStorageMiB}Mi`;

export interface ManifestInput {
  readonly installationId: string;
  readonly spec: SandboxSpec;
  /** Random at each create: it names the one ConfigMap that can start this Job and is not part of the spec's hash. */
  readonly nonce: string;
}

/** Name of the ConfigMap that starts the Job. */
function configMapName(job: string, nonce: string): string {
  return `${job}-${nonce}`;
}

/** Labels of the Job, its pod and its ConfigMap. */
export function labelsOf(installationId: string, executionId: string): Record<string, string> {
  return {
    [labels.managedBy]: managedBy,
    [labels.installation]: installationId,
    [labels.execution]: executionId,
  };
}

/** SHA-256 over the spec with sorted keys, since a store may return them in any order. */
export function specHash(spec: SandboxSpec): string {
  return createHash('sha256').update(JSON.stringify(spec, sortKeys)).digest('hex');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The Job of an execution. Its pod waits for a ConfigMap, so nothing runs before that is created. */
export function jobManifest({ installationId, spec, nonce }: ManifestInput): V1Job {
  const { executionId, request } = spec;
  const name = jobName(installationId, executionId);
  const invocation = request.labels[invocationLabel];
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      labels: labelsOf(installationId, executionId),
      annotations: {
        [annotations.specHash]: specHash(spec),
        ...(invocation === undefined ? {} : { [annotations.invocation]: invocation }),
      },
    },
    spec: {
      completions: 1,
      parallelism: 1,
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [{ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
      },
      activeDeadlineSeconds: deadlines(request).job,
      ttlSecondsAfterFinished: clocks.ttlSeconds,
      template: podTemplate(labelsOf(installationId, executionId), request, configMapName(name, nonce)),
    },
  };
}

/**
 * Backstops for when no process of ours is left; the supervisor and the watcher are earlier. The pod's clock runs from
 * the kubelet's acknowledgement, so it includes the wait for image and start signal; the Job's also that for a node.
 */
export function deadlines({
  timeoutSeconds,
  startTimeoutSeconds,
}: Pick<ExecutionRequest, 'timeoutSeconds' | 'startTimeoutSeconds'>): { pod: number; job: number } {
  const pod = startTimeoutSeconds + timeoutSeconds + clocks.overdueSeconds + clocks.podSeconds;
  return { pod, job: startTimeoutSeconds + pod + clocks.jobSeconds };
}

function podTemplate(
  podLabels: Record<string, string>,
  request: ExecutionRequest,
  configMap: string,
): V1PodTemplateSpec {
  return {
    metadata: {
      labels: podLabels,
      annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' },
    },
    spec: {
      ...isolation(),
      restartPolicy: 'Never',
      activeDeadlineSeconds: deadlines(request).pod,
      // Zero would delete the pod from the API before its processes are dead.
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: containerName,
          image: request.image ?? images[request.language],
          imagePullPolicy: 'IfNotPresent',
          command: [...podCommands[request.language].command],
          workingDir: '/work',
          env: environment(request.language),
          resources: resources(request),
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
        { name: 'execution', configMap: { name: configMap, defaultMode: 0o444 } },
        { name: 'work', emptyDir: workDirectory(request) },
      ],
    },
  };
}

/** The supervisor's own; what the request sets reaches the program through the ConfigMap. */
function environment(language: Language) {
  const values = { HOME: '/work', TMPDIR: '/work', ...podCommands[language].env };
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/** What keeps the pod apart from the cluster; the RuntimeClass of GKE Sandbox adds the same selector and toleration. */
function isolation(): Omit<V1PodSpec, 'containers'> {
  return {
    runtimeClassName: runtimeClass,
    nodeSelector: { 'sandbox.gke.io/runtime': 'gvisor' },
    tolerations: [{ key: 'sandbox.gke.io/runtime', operator: 'Equal', value: 'gvisor', effect: 'NoSchedule' }],
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    hostname: 'sandbox',
    setHostnameAsFQDN: false,
    // A resolver that refuses at once: names never leave the pod, and a look-up fails without a wait.
    dnsPolicy: 'None',
    dnsConfig: { nameservers: ['127.0.0.1'] },
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}

/**
 * In memory, because that is full at once when it is full: a limit on disk is looked at once a minute, in which a
 * program can fill its node. It counts as memory of the pod, so half of that.
 */
function workDirectory({ memoryLimitMiB }: ExecutionRequest) {
  return { medium: 'Memory', sizeLimit: `${Math.floor(memoryLimitMiB / 2)}Mi` };
}

function resources(request: ExecutionRequest) {
  const { cpuRequestMillicores, cpuLimitMillicores, memoryRequestMiB, memoryLimitMiB } = request;
  return {
    requests: {
      cpu: `${cpuRequestMillicores}m`,
      memory: `${memoryRequestMiB}Mi`,
      'ephemeral-storage': ephemeralStorage,
    },
    limits: { cpu: `${cpuLimitMillicores}m`, memory: `${memoryLimitMiB}Mi`, 'ephemeral-storage': ephemeralStorage },
  };
}
