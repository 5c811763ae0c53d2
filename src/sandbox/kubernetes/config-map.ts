import type { V1ConfigMap } from '@kubernetes/client-node';
import { requiredKernel } from '../../execution/classify.ts';
import { bareScript } from '../../supervisor/bare-script.ts';
import { writeBundle } from '../../supervisor/bundle.ts';
import { podCommands } from '../../supervisor/pod-commands.ts';
import type { Supervisor } from '../../supervisor/source.ts';
import type { SandboxInput, SandboxSpec } from '../sandbox.ts';
import { labelsOf } from './job-manifest.ts';

export interface ConfigMapInput {
  readonly installationId: string;
  readonly owner: { readonly name: string; readonly uid: string };
  readonly name: string;
  readonly spec: SandboxSpec;
  readonly input: SandboxInput;
  /** The supervisor of the spec's language, see `supervisorOf`. */
  readonly supervisor: Supervisor;
}

/**
 * The start signal: everything that goes into the pod, as one object that cannot be changed and goes with its Job.
 */
export function configMapManifest({
  installationId,
  owner,
  name,
  spec,
  input,
  supervisor,
}: ConfigMapInput): V1ConfigMap {
  const { language } = spec.request;
  const { interpreter } = podCommands[language];
  const bundle = writeBundle({ ...spec.request, ...input, interpreter, kernel: requiredKernel });
  const bare = language === 'shell' ? { 'bare.sh': Buffer.from(bareScript(bundle)) } : {};
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      labels: labelsOf(installationId, spec.executionId),
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', ...owner }],
    },
    immutable: true,
    binaryData: Object.fromEntries(
      Object.entries({ ...supervisor, ...bare, bundle }).map(([key, bytes]) => [key, base64(bytes)]),
    ),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
