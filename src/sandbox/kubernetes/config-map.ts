import type { V1ConfigMap } from '@kubernetes/client-node';
import { writeBundle } from '../../supervisor/bundle.ts';
import { podCommands } from '../../supervisor/pod-commands.ts';
import type { SandboxInput, SandboxSpec } from '../sandbox.ts';
import { labelsOf } from './job-manifest.ts';

export interface ConfigMapInput {
  readonly installationId: string;
  readonly owner: { readonly name: string; readonly uid: string };
  readonly name: string;
  readonly spec: SandboxSpec;
  readonly input: SandboxInput;
  /** The supervisor of the spec's language, see `supervisorOf`. */
  readonly supervisor: Uint8Array;
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
  const { language, args, env, timeoutSeconds, maxStdoutBytes, maxStderrBytes } = spec.request;
  const limits = { timeoutSeconds, maxStdoutBytes, maxStderrBytes };
  const bundle = writeBundle({ code: input.code, stdin: input.stdin, args, env, ...limits });
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      labels: labelsOf(installationId, spec.executionId),
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', ...owner }],
    },
    immutable: true,
    binaryData: { bundle: base64(bundle), [podCommands[language].key]: base64(supervisor) },
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
