import { type PodEnding, timeoutExitCode } from '../../execution/classify.ts';
import type { SandboxOutput, SandboxStatus } from '../sandbox.ts';
import { exitCodes } from './program.ts';
import type { WasmEnding } from './spawn.ts';

const noEnding: PodEnding = { podReason: '', podMessage: '', disruption: '', container: null, jobReason: '' };

/** Of a Job whose process is gone, and the child with it. */
export const ownerLost: SandboxStatus = {
  kind: 'ended',
  ending: { ...noEnding, disruption: 'OwnerLost', podMessage: 'the process that ran it ended' },
  deleting: true,
};

const nothing = { bytes: new Uint8Array(), totalBytes: 0 };
export const noOutput: SandboxOutput = {
  stdout: nothing,
  stderr: nothing,
  files: new Uint8Array(),
  omittedFiles: 0,
  complete: false,
  incompleteBecause: 'the process that ran it is gone',
  kernel: null,
  report: null,
};

/** Says it in the words that a kubelet would use, so that one classification serves both. */
export function podEnding({ ending, exitCode, startedAt, finishedAt }: WasmEnding, timeoutSeconds: number): PodEnding {
  const container = { startedAt, finishedAt, message: '' };
  switch (ending) {
    case 'memoryLimit':
      return { ...noEnding, container: { ...container, exitCode: exitCodes.killed, reason: 'OOMKilled' } };
    case 'timedOut': {
      // The child's clock began with the code, a moment after ours.
      const atLimit = Math.max(finishedAt, startedAt + timeoutSeconds * 1000);
      return {
        ...noEnding,
        container: { ...container, finishedAt: atLimit, exitCode: timeoutExitCode, reason: 'Error' },
      };
    }
    default:
      return { ...noEnding, container: { ...container, exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' } };
  }
}

/** A killed child has no last word, as a killed supervisor has none. */
export function finalOutput({ ending, startedAt, finishedAt, ...printed }: WasmEnding): SandboxOutput {
  const { stdout, stderr, files, omittedFiles } = printed;
  const isComplete = ending !== 'killed';
  const report = isComplete ? { signal: null, durationMs: finishedAt - startedAt } : null;
  const because = isComplete ? {} : { incompleteBecause: 'the interpreter was killed' };
  return { stdout, stderr, files, omittedFiles, complete: isComplete, ...because, kernel: null, report };
}
