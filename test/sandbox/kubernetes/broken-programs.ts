import { limits, sizes } from '../../../src/execution/limits.ts';
import { type BrokenRule, broken, longest } from './broken-rules.ts';

const installation = 'metadata labels gke-code-executor/installation';
const execution = 'metadata labels gke-code-executor/execution';
const container = 'spec containers 0';
const execProbe = { exec: { command: ['true'] } };
const beyond = {
  cpu: `${limits.cpuLimitMillicores.maximum + 1}m`,
  memory: `${limits.memoryLimitMiB.maximum + 1}Mi`,
  'ephemeral-storage': `${sizes.ephemeralStorageMiB + 1}Mi`,
} as const;

/** Rules for the pod template of a Job, and for Pods; paths are within the template. */
export const brokenPrograms: readonly BrokenRule[] = [
  broken('the pod must have the labels of an installation and an execution', execution, undefined, 'Pod'),
  broken('the pod must have the labels of an installation and an execution', installation, 'SHOUTING', 'Pod'),
  broken('runtimeClassName must be gvisor', 'spec runtimeClassName', undefined),
  broken('nodeSelector must have sandbox.gke.io/runtime gvisor', 'spec nodeSelector', undefined, 'Job'),
  broken('tolerations must have sandbox.gke.io/runtime gvisor NoSchedule', 'spec tolerations', undefined, 'Job'),
  broken('hostNetwork must not be set', 'spec hostNetwork', true),
  broken('hostPID must not be set', 'spec hostPID', true),
  broken('hostIPC must not be set', 'spec hostIPC', true),
  broken('shareProcessNamespace must not be set', 'spec shareProcessNamespace', true),
  broken('nodeName must not be set', 'spec nodeName', 'localhost'),
  {
    message: 'resourceClaims must not be set',
    changes: [['spec resourceClaims', [{ name: 'device', resourceClaimName: 'device' }]]],
  },
  broken('hostAliases must not be set', 'spec hostAliases', [{ ip: '10.0.0.1', hostnames: ['there'] }]),
  broken('ports must not be set, host ports included', `${container} ports`, [{ containerPort: 80, hostPort: 80 }]),
  broken('ports must not be set, host ports included', `${container} ports`, [{ containerPort: 80 }]),
  broken('dnsPolicy must be None', 'spec dnsPolicy', 'Default'),
  broken('dnsConfig must have the nameserver 127.0.0.1, which answers nobody', 'spec dnsConfig nameservers', [
    '8.8.8.8',
  ]),
  broken('automountServiceAccountToken must be false', 'spec automountServiceAccountToken', true),
  broken('automountServiceAccountToken must be false', 'spec automountServiceAccountToken', undefined),
  broken('serviceAccountName must be default or empty', 'spec serviceAccountName', 'other', 'Job'),
  broken('enableServiceLinks must be false', 'spec enableServiceLinks', true),
  broken('there must be one container, named code-runner', `${container} name`, 'other'),
  broken('there must be one container, named code-runner', 'spec containers -', {
    name: 'more',
    image: 'python:3.11-slim',
  }),
  broken('there must be no init containers', 'spec initContainers', [{ name: 'first', image: 'python:3.11-slim' }]),
  broken('the image is not allowed', `${container} image`, 'registry.invalid/evil:1'),
  broken('the image is not allowed', `${container} image`, 'python:3.11-slimmer'),
  broken('envFrom must not be set', `${container} envFrom`, [{ configMapRef: { name: 'some' } }]),
  broken('env must have values only, no valueFrom', `${container} env -`, {
    name: 'NODE',
    valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } },
  }),
  broken('lifecycle must not be set', `${container} lifecycle`, { preStop: { exec: { command: ['true'] } } }),
  broken('probes must not be set', `${container} livenessProbe`, execProbe),
  broken('probes must not be set', `${container} readinessProbe`, execProbe),
  broken('probes must not be set', `${container} startupProbe`, execProbe),

  broken('there must be two volumes, a configMap and an emptyDir', 'spec volumes -', { name: 'more', emptyDir: {} }),
  broken('there must be two volumes, a configMap and an emptyDir', 'spec volumes 1', {
    name: 'work',
    hostPath: { path: '/' },
  }),
  broken('there must be two volumes, a configMap and an emptyDir', 'spec volumes 0', {
    name: 'execution',
    secret: { secretName: 'some' },
  }),
  broken('there must be two volumes, a configMap and an emptyDir', 'spec volumes 0', {
    name: 'execution',
    projected: { sources: [{ serviceAccountToken: { path: 'token' } }] },
  }),
  broken(
    'the configMap must be named like the Job, with 8 characters of a-z and 2-7 behind',
    'spec volumes 0 configMap name',
    'other',
  ),
  broken('the configMap must not be optional', 'spec volumes 0 configMap optional', true),
  broken('the emptyDir must be in memory, with a sizeLimit', 'spec volumes 1 emptyDir medium', undefined),
  broken('the emptyDir must be in memory, with a sizeLimit', 'spec volumes 1 emptyDir sizeLimit', undefined),
  broken('volumes must not be mounted by subPath', `${container} volumeMounts 0 subPath`, 'bundle'),
  broken('volumes must not be mounted by subPath', `${container} volumeMounts 0 subPathExpr`, '$(HOME)'),

  // A LimitRange mends and refuses these in Pods.
  ...(['cpu', 'memory', 'ephemeral-storage'] as const).flatMap((resource) => {
    const message = `the limit of ${resource} must be set and within its bound`;
    const limit = `${container} resources limits ${resource}`;
    return [broken(message, limit, beyond[resource], 'Job'), broken(message, limit, undefined, 'Job')];
  }),
  broken(
    'activeDeadlineSeconds of the pod must be set and within its bound',
    'spec activeDeadlineSeconds',
    longest.pod + 1,
  ),
  broken('activeDeadlineSeconds of the pod must be set and within its bound', 'spec activeDeadlineSeconds', undefined),
  broken('terminationGracePeriodSeconds must be 1', 'spec terminationGracePeriodSeconds', 3600),
  broken('restartPolicy must be Never', 'spec restartPolicy', 'Always', 'Pod'),

  broken('runAsNonRoot must be true', 'spec securityContext runAsNonRoot', undefined),
  broken('runAsNonRoot must be true', `${container} securityContext runAsNonRoot`, false),
  broken('runAsUser must be 1001', 'spec securityContext runAsUser', 1002),
  broken('runAsUser must be 1001', `${container} securityContext runAsUser`, 0),
  broken('runAsGroup must be 1001', 'spec securityContext runAsGroup', undefined),
  broken('runAsGroup must be 1001', `${container} securityContext runAsGroup`, 0),
  broken('seccompProfile must be RuntimeDefault', 'spec securityContext seccompProfile', undefined),
  broken('seccompProfile must be RuntimeDefault', `${container} securityContext seccompProfile`, {
    type: 'Unconfined',
  }),
  broken('sysctls must not be set', 'spec securityContext sysctls', [{ name: 'kernel.shm_rmid_forced', value: '1' }]),
  broken('capabilities must be dropped, ALL of them', `${container} securityContext capabilities`, undefined),
  broken('capabilities must be dropped, ALL of them', `${container} securityContext capabilities drop`, ['NET_RAW']),
  broken('capabilities must not be added', `${container} securityContext capabilities add`, ['NET_BIND_SERVICE']),
  {
    message: 'privileged must be false',
    changes: [
      [`${container} securityContext privileged`, true],
      [`${container} securityContext allowPrivilegeEscalation`, undefined],
    ],
  },
  broken('allowPrivilegeEscalation must be false', `${container} securityContext allowPrivilegeEscalation`, true),
  broken('allowPrivilegeEscalation must be false', `${container} securityContext allowPrivilegeEscalation`, undefined),
  broken('readOnlyRootFilesystem must be true', `${container} securityContext readOnlyRootFilesystem`, undefined),
  broken(
    'a securityContext must not have groups, SELinux, AppArmor or Windows options of its own',
    'spec securityContext fsGroup',
    0,
  ),
  broken(
    'a securityContext must not have groups, SELinux, AppArmor or Windows options of its own',
    `${container} securityContext appArmorProfile`,
    {
      type: 'Unconfined',
    },
  ),
  {
    message: 'procMount must be Default',
    changes: [
      [`${container} securityContext procMount`, 'Unmasked'],
      ['spec hostUsers', false],
    ],
  },
  broken('hostUsers must not be set', 'spec hostUsers', true),
  broken('hostUsers must not be set', 'spec hostUsers', false),
];
