import { z } from 'zod';
import { podEndingSchema } from './classify.ts';

/** Languages that a program may be written in. */
export const languages = ['python', 'javascript', 'typescript', 'shell'] as const;
export type Language = (typeof languages)[number];

export const openStates = ['ACCEPTED', 'LAUNCHING', 'RUNNING', 'STOPPING'] as const;
export const finalStates = [
  'SUCCEEDED',
  'FAILED',
  'TIMED_OUT',
  'MEMORY_LIMIT',
  'DISK_LIMIT',
  'KILLED',
  'START_TIMEOUT',
  'INFRA_INTERRUPTED',
  'LOST',
  'REJECTED',
  'CANCELLED',
] as const;
export const states = [...openStates, ...finalStates] as const;
export type State = (typeof states)[number];
export type FinalState = (typeof finalStates)[number];

/** An instant in milliseconds since the Unix epoch. */
const instant = z.int().nonnegative();

const fileSummarySchema = z.object({ path: z.string(), bytes: z.int() });

/** What was asked for, without the bytes: `code`, `stdin` and `files` are parts of the record, read on their own. */
const requestSchema = z.object({
  language: z.enum(languages),
  args: z.array(z.string()),
  /** Values are dropped when the execution ends; `envNames` stays. */
  env: z.record(z.string(), z.string()),
  envNames: z.array(z.string()),
  image: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  codeBytes: z.int(),
  stdinBytes: z.int(),
  /** Input files; their bytes are the part `files`, packed. */
  files: z.array(fileSummarySchema).default([]),
  /** Patterns of the files that come back. */
  outputFiles: z.array(z.string()).default([]),
  timeoutSeconds: z.number(),
  startTimeoutSeconds: z.number(),
  cpuRequestMillicores: z.number(),
  cpuLimitMillicores: z.number(),
  memoryRequestMiB: z.number(),
  memoryLimitMiB: z.number(),
  maxStdoutBytes: z.int(),
  maxStderrBytes: z.int(),
  maxOutputFileBytes: z.int().default(0),
});
export type ExecutionRequest = Readonly<z.infer<typeof requestSchema>>;

/** Why an execution is not running yet; `curable` says that time alone may help. */
const waitingSchema = z.object({
  reason: z.enum(['Quota', 'Unschedulable', 'Image', 'Configuration', 'Mount', 'Sandbox', 'PodCreation', 'Starting']),
  message: z.string(),
  curable: z.boolean(),
  since: instant,
});
export type Waiting = Readonly<z.infer<typeof waitingSchema>>;

const streamSummarySchema = z.object({ bytes: z.int(), totalBytes: z.int(), truncated: z.boolean() });

/** What is kept of a program's output; the bytes are the parts `stdout`, `stderr` and, packed, `outputFiles`. */
const outputSummarySchema = z.object({
  stdout: streamSummarySchema,
  stderr: streamSummarySchema,
  files: z.array(fileSummarySchema).default([]),
  /** Files that the patterns name and that were too many or too large to come back. */
  omittedFiles: z.int().default(0),
  /** False when the log broke off: what is kept is true, but there may have been more. */
  complete: z.boolean(),
  /** Why it is not, half a sentence; null when it is. */
  incompleteBecause: z.string().nullable().default(null),
  /** The kernel that the supervisor saw, for example `gVisor 4.4.0`; null where it could not say. */
  kernel: z.string().nullable().default(null),
  /** Both streams came as one, as standard output. */
  merged: z.literal(true).optional(),
  /** The supervisor's own clock; advisory, since the program can forge it. */
  durationMs: z.number().nullable(),
});
export type OutputSummary = Readonly<z.infer<typeof outputSummarySchema>>;

const common = {
  id: z.string(),
  /** The sandbox that must run it, for example `kubernetes:<namespace uid>`; others leave it alone. */
  target: z.string(),
  isolation: z.enum(['gvisor', 'wasm', 'none']),
  /** The embedded process that drives it; a takeover raises `epoch`. Null where any function may. */
  owner: z.object({ process: z.string(), epoch: z.int() }).nullable(),
  caller: z.string(),
  /** SHA-256 of the request: the same idempotency key with another body is refused. */
  bodyHash: z.string(),
  request: requestSchema,
  acceptedAt: instant,
  /** W3C trace context of the request that it came with: whatever is done for it belongs to that trace. */
  traceparent: z.string().optional(),
};

const launched = { jobUid: z.string(), launchedAt: instant };

export const stoppingReasons = ['cancelled', 'start_timeout', 'lost', 'overdue'] as const;
export type StoppingReason = (typeof stoppingReasons)[number];

const verdict = {
  /** Who would have to change something: nobody (null), the program, the request's limits, or the platform. */
  fault: z.enum(['program', 'limit', 'platform']).nullable(),
  started: z.boolean(),
  /** True when no code ran, so that asking again cannot run it twice. */
  retrySafe: z.boolean(),
  exitCode: z.int().nullable(),
  signal: z.int().nullable(),
  reason: z.string(),
  message: z.string(),
};

const finalFields = {
  ...common,
  ...verdict,
  jobUid: z.string().nullable(),
  launchedAt: instant.nullable(),
  startedAt: instant.nullable(),
  finishedAt: instant.nullable(),
  endedAt: instant,
  output: outputSummarySchema,
  podEnding: podEndingSchema.nullable(),
};

const finalSchema = z.object({ state: z.enum(finalStates), ...finalFields });

/** A stored execution: each state carries exactly the fields it has, and a document that breaks this does not parse. */
export const executionSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('ACCEPTED'), ...common, waiting: waitingSchema.nullable() }),
  z.object({ state: z.literal('LAUNCHING'), ...common, ...launched, waiting: waitingSchema.nullable() }),
  z.object({
    state: z.literal('RUNNING'),
    ...common,
    ...launched,
    startedAt: instant,
    /** Where there are pods: the name of its own, whose log can be followed. */
    pod: z.string().optional(),
  }),
  z.object({
    state: z.literal('STOPPING'),
    ...common,
    ...launched,
    startedAt: instant.nullable(),
    why: z.enum(stoppingReasons),
    message: z.string(),
    stoppingSince: instant,
    /** What it had printed, kept before its Job is deleted; null until it was read. */
    output: outputSummarySchema.nullable(),
  }),
  finalSchema,
]);

export type Execution = Readonly<z.infer<typeof executionSchema>>;
export type FinalExecution = Readonly<z.infer<typeof finalSchema>>;
export type OpenExecution = Exclude<Execution, FinalExecution>;
export type ExecutionIn<S extends OpenExecution['state']> = Extract<Execution, { state: S }>;

const finalStateSet: ReadonlySet<string> = new Set(finalStates);

export function isFinal(execution: Execution): execution is FinalExecution {
  return finalStateSet.has(execution.state);
}
