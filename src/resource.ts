import { z } from 'zod';
import { usageOf } from './execution/cost.ts';
import { type Execution, type FinalExecution, isFinal, languages, states } from './execution/execution.ts';
import { mimeBundleSchema } from './results.ts';

const time = z.string().nullable();
const stream = z.object({
  /** Bytes kept; read them at `/v1/executions/{id}/stdout` or `stderr`. */
  bytes: z.int(),
  /** Bytes printed. */
  totalBytes: z.int(),
  truncated: z.boolean(),
  /** What is kept, with `include=output`: as text where it is UTF-8, else as base64. */
  text: z.string().optional(),
  base64: z.string().optional(),
});

const file = z.object({ path: z.string(), bytes: z.int() });
const outputFile = file.extend({
  /** With `include=output`: as text where it is UTF-8, else as base64. */
  text: z.string().optional(),
  base64: z.string().optional(),
});

/** An execution as the API shows it: times are RFC 3339, environment values are never shown. */
export const resourceSchema = z.object({
  id: z.string(),
  state: z.enum(states),
  done: z.boolean(),
  language: z.enum(languages),
  isolation: z.enum(['gvisor', 'wasm', 'none']),
  args: z.array(z.string()),
  envNames: z.array(z.string()),
  files: z.array(file),
  outputFiles: z.array(z.string()),
  image: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  limits: z.object({
    timeoutSeconds: z.number(),
    startTimeoutSeconds: z.number(),
    cpuRequestMillicores: z.number(),
    cpuLimitMillicores: z.number(),
    memoryRequestMiB: z.number(),
    memoryLimitMiB: z.number(),
    maxStdoutBytes: z.number(),
    maxStderrBytes: z.number(),
    maxOutputFileBytes: z.number(),
  }),
  acceptedAt: z.string(),
  launchedAt: time,
  startedAt: time,
  finishedAt: time,
  endedAt: time,
  waiting: z.object({ reason: z.string(), message: z.string() }).nullable(),
  result: z
    .object({
      exitCode: z.int().nullable(),
      signal: z.int().nullable(),
      fault: z.enum(['program', 'limit', 'platform']).nullable(),
      started: z.boolean(),
      retrySafe: z.boolean(),
      reason: z.string(),
      message: z.string(),
      durationMs: z.number().nullable(),
      /** What it took by what it had reserved, and what that costs by list prices (src/execution/cost.ts). */
      usage: z
        .object({
          seconds: z.number(),
          vcpuSeconds: z.number(),
          memoryGibSeconds: z.number(),
          estimatedUsd: z.number(),
        })
        .nullable(),
      outputComplete: z.boolean(),
      /** Why it is not, half a sentence; null when it is. */
      outputIncompleteBecause: z.string().nullable(),
      /** The kernel that the program ran on, as its supervisor saw it: `gVisor` and a version. */
      kernel: z.string().nullable(),
      /** Both streams came as one, as `stdout`: a shell image with neither Python nor Node.js in it. */
      streamsMerged: z.boolean(),
      stdout: stream,
      stderr: stream,
      /** Read them at `/v1/executions/{id}/files/{path}`. */
      files: z.array(outputFile),
      /** Files that `outputFiles` names and that were too many or too large, or whose names cannot be said. */
      omittedFiles: z.int(),
      /** With `include=output`: what the program declared to be shown. */
      results: z.array(mimeBundleSchema).optional(),
    })
    .nullable(),
});
export type Resource = z.infer<typeof resourceSchema>;

/** Shows a record to its caller. */
export function toResource(execution: Execution): Resource {
  const { request } = execution;
  const { language, args, envNames, files, outputFiles, image, labels, ...rest } = request;
  const { codeBytes: _, stdinBytes: _stdin, env: _env, ...limits } = rest;
  const times = { launchedAt: null, startedAt: null, finishedAt: null, endedAt: null, ...execution };
  return {
    id: execution.id,
    state: execution.state,
    done: isFinal(execution),
    language,
    isolation: execution.isolation,
    args,
    envNames,
    files,
    outputFiles,
    image,
    labels,
    limits,
    acceptedAt: rfc3339(execution.acceptedAt),
    launchedAt: orNull(times.launchedAt),
    startedAt: orNull(times.startedAt),
    finishedAt: orNull(times.finishedAt),
    endedAt: orNull(times.endedAt),
    waiting: 'waiting' in execution && execution.waiting !== null ? shown(execution.waiting) : null,
    result: isFinal(execution) ? toResult(execution) : null,
  };
}

/**
 * Bytes of a stream as JSON can carry them: text where they are UTF-8, else base64. Truncation may have cut a character
 * in two: its first half is left out.
 */
export function readable(
  bytes: Uint8Array,
  { truncated }: { readonly truncated: boolean },
): { text: string } | { base64: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: truncated }) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}

function shown({ reason, message }: { reason: string; message: string }) {
  return { reason, message };
}

function toResult(execution: FinalExecution): Resource['result'] {
  const { exitCode, signal, fault, started, retrySafe, reason, message, output } = execution;
  const { isolation, request, startedAt, finishedAt } = execution;
  return {
    exitCode,
    signal,
    fault,
    started,
    retrySafe,
    reason,
    message,
    durationMs: output.durationMs,
    usage: isolation === 'gvisor' ? usageOf(request, startedAt, finishedAt) : null,
    outputComplete: output.complete,
    outputIncompleteBecause: output.incompleteBecause,
    kernel: output.kernel,
    streamsMerged: output.merged === true,
    stdout: output.stdout,
    stderr: output.stderr,
    files: output.files,
    omittedFiles: output.omittedFiles,
  };
}

function rfc3339(instant: number): string {
  return new Date(instant).toISOString();
}

function orNull(instant: number | null): string | null {
  return instant === null ? null : rfc3339(instant);
}
