import type { ExecutionRequest } from '../../../src/execution/execution.ts';
import type { SandboxSpec } from '../../../src/sandbox/sandbox.ts';

export const installationId = 'abcdefgh';
export const executionId = 'abcdefghijklmnopqrstuvwxyz';
export const name = `run-${installationId}-${executionId}`;

/** A request with every default, and what a test changes of it. */
export function request(fields: Partial<ExecutionRequest> = {}): ExecutionRequest {
  return {
    language: 'python',
    args: [],
    env: {},
    envNames: [],
    image: null,
    labels: {},
    codeBytes: 8,
    stdinBytes: 0,
    files: [],
    outputFiles: [],
    maxOutputFileBytes: 0,
    timeoutSeconds: 300,
    startTimeoutSeconds: 300,
    cpuRequestMillicores: 200,
    cpuLimitMillicores: 500,
    memoryRequestMiB: 256,
    memoryLimitMiB: 512,
    maxStdoutBytes: 1_048_576,
    maxStderrBytes: 1_048_576,
    ...fields,
  };
}

export function spec(fields: Partial<ExecutionRequest> = {}): SandboxSpec {
  return { executionId, request: request(fields) };
}
