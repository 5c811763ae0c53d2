/** One number of the contract: validation, documentation and cluster policy all read it from here. */
interface Limit {
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly unit: 's' | 'm' | 'MiB' | 'bytes' | 'entries';
  readonly reason: string;
}

/** What a request may ask for; `default` is what it gets when it is silent. */
export const limits = {
  timeoutSeconds: { default: 300, minimum: 1, maximum: 3600, unit: 's', reason: "ADK's default; an hour bounds cost" },
  startTimeoutSeconds: {
    default: 300,
    minimum: 1,
    maximum: 3600,
    unit: 's',
    reason: 'how long an execution may wait for quota, a node or an image',
  },
  cpuRequestMillicores: { default: 200, minimum: 10, maximum: 8000, unit: 'm', reason: "ADK's default" },
  cpuLimitMillicores: { default: 500, minimum: 50, maximum: 8000, unit: 'm', reason: "ADK's default" },
  memoryRequestMiB: { default: 256, minimum: 16, maximum: 16384, unit: 'MiB', reason: "ADK's default" },
  memoryLimitMiB: {
    default: 512,
    minimum: 64,
    maximum: 16384,
    unit: 'MiB',
    reason: 'below the minimum gVisor and the interpreter alone do not fit',
  },
  maxStdoutBytes: {
    default: 1_048_576,
    minimum: 0,
    maximum: 4_194_304,
    unit: 'bytes',
    reason: 'both streams must fit the 10 MiB log file that the kubelet keeps',
  },
  maxStderrBytes: { default: 1_048_576, minimum: 0, maximum: 2_097_152, unit: 'bytes', reason: 'as for stdout' },
  maxOutputFileBytes: {
    default: 3_145_728,
    minimum: 0,
    maximum: 6_291_456,
    unit: 'bytes',
    reason: 'output files, all together, come through the same log file',
  },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof limits;

/** Sizes of what a request carries in; they bound the one ConfigMap it travels in. */
export const sizes = {
  /** Code, stdin, files, arguments and environment together: base64 and the supervisor added, the ConfigMap stays under 900 KiB. */
  bundleBytes: 600 * 1024,
  /** All values of that ConfigMap as base64, supervisor included; Kubernetes itself takes up to 1 MiB. */
  configMapBytes: 900 * 1024,
  /** What a pod may take of its node's disk: its log, also one that the program writes past the supervisor. */
  ephemeralStorageMiB: 128,
  args: { entries: 256 },
  env: { entries: 128, nameBytes: 256 },
  labels: { entries: 16 },
  files: { entries: 256 },
  /** Patterns that name output files, and files that they may name. */
  outputFiles: { patterns: 32, entries: 256 },
  imageBytes: 512,
} as const;

/** Seconds between the clocks, each longer than the one inside it. */
export const clocks = {
  /** Our watcher ends a supervisor that did not end itself. */
  overdueSeconds: 5,
  /** Pod `activeDeadlineSeconds` runs from the kubelet's acknowledgement, so it includes image pull and mount. */
  podSeconds: 60,
  /** Job `activeDeadlineSeconds` deletes the pod and its log, so it must never be first. */
  jobSeconds: 60,
  /** What is to be stopped for so long, and its Job deleted for half of it, is on a node that is lost, and LOST itself. */
  fenceSeconds: 600,
  /** Waiting that cannot heal ends the execution after this long, so that one transient report does not. */
  incurableSeconds: 15,
  /** A finished Job that every process of ours forgot is deleted after half a day, log and all. */
  ttlSeconds: 12 * 3600,
} as const;

/** Days that things are kept. */
export const retention = {
  /** A final record, from its end on. */
  recordDays: 30,
  /** What is left of a removed record; longer than any message is retained, so that none finds its id free again. */
  tombstoneDays: 40,
} as const;

/** Milliseconds of a day. */
export const dayMs = 86_400_000;
