import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { ExecutionRequest } from '../../execution/execution.ts';
import type { Creation, Job, Observation, Sandbox, SandboxSpec } from '../sandbox.ts';
import { type Entry, newEntry, type WasmRequest } from './entry.ts';
import { noOutput, ownerLost } from './pod-ending.ts';
import { isWasmLanguage, minimumMemoryMiB, type WasmLanguage } from './program.ts';
import { type PreparedChild, spawnSandbox } from './spawn.ts';

export interface WasmSandboxOptions {
  /** Id of the store whose executions these are. Default: `local`. */
  readonly installation?: string;
  /** Executions at a time, ended ones until their removal; what does not fit waits. Default: one a core, at least two. */
  readonly maxChildren?: number;
  /** Makes a child. Default: `spawnSandbox`. */
  readonly spawn?: (language: WasmLanguage) => PreparedChild;
}

/** A sandbox whose children can all be ended at once. */
export interface WasmSandbox extends Sandbox {
  close(): Promise<void>;
}

/**
 * Runs code as WebAssembly in child processes of this one, and keeps what they printed in memory until `remove`.
 *
 * A Job belongs to the process that made it, and its child ends with that process. Of a Job of another process this
 * one says that its owner is lost, and starts it anew when asked to: the caller's `permit` tells whether it ever ran.
 */
export function wasmSandbox({ installation = 'local', ...options }: WasmSandboxOptions = {}): WasmSandbox {
  const { maxChildren = Math.max(2, availableParallelism()), spawn = spawnSandbox } = options;
  const jobs = ownJobs(installation, maxChildren, spawn);
  return {
    kind: 'wasm',
    isolation: 'wasm',
    target: 'wasm:local',
    minimumMemoryMiB: (language) => (isWasmLanguage(language) ? minimumMemoryMiB[language] : null),
    create: async (spec) => jobs.create(spec),

    async start(job, spec, input, permit) {
      const entry = jobs.find(job) ?? jobs.adopt(job, spec.request);
      if (entry === undefined) return 'absent';
      const start = await entry.start(input, permit);
      if (start === 'refused') await jobs.remove(entry);
      return start;
    },

    inspect: async (job) => jobs.find(job)?.status() ?? (jobs.isForeign(job) ? ownerLost : { kind: 'absent' }),
    output: async (job) => jobs.find(job)?.output() ?? noOutput,

    async remove(job) {
      const entry = jobs.find(job);
      return entry === undefined ? { started: false } : jobs.remove(entry);
    },

    list: async () => Array.from(jobs.all(), ({ job }) => job),

    async watch(observe, signal) {
      const stop = jobs.observe(observe);
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      stop();
    },

    async close() {
      await Promise.all(Array.from(jobs.all(), jobs.remove));
    },
  };
}

/** The Jobs of this process, by execution. A uid names installation, process and number, so no two are ever alike. */
function ownJobs(installation: string, maxChildren: number, spawn: (language: WasmLanguage) => PreparedChild) {
  const owner = randomUUID();
  const entries = new Map<string, Entry>();
  const removedForeign = new Set<string>();
  const observers = new Set<(observation: Observation) => void>();
  let count = 0;

  const notify = ({ job, status }: Entry) => {
    for (const observe of observers) observe({ job, status: status() });
  };

  const isForeign = ({ jobUid }: Job) =>
    jobUid.startsWith(`${installation}.`) &&
    !jobUid.startsWith(`${installation}.${owner}.`) &&
    !removedForeign.has(jobUid);

  function add(job: Job, request: WasmRequest): Entry {
    const entry = newEntry(job, request, spawn, notify);
    entries.set(job.executionId, entry);
    notify(entry);
    return entry;
  }

  return {
    isForeign,
    all: () => entries.values(),

    find({ executionId, jobUid }: Job): Entry | undefined {
      const entry = entries.get(executionId);
      return entry?.job.jobUid === jobUid ? entry : undefined;
    },

    create({ executionId, request }: SandboxSpec): Creation {
      if (!isOurs(request)) return { kind: 'rejected', message: `${request.language} has no interpreter here` };
      const entry = entries.get(executionId);
      if (entry === undefined) {
        if (entries.size >= maxChildren) return { kind: 'full', message: `${maxChildren} programs run already` };
        count += 1;
        const { job } = add({ executionId, jobUid: `${installation}.${owner}.${count}` }, request);
        return { kind: 'created', jobUid: job.jobUid };
      }
      if (isDeepStrictEqual(entry.request, request)) return { kind: 'created', jobUid: entry.job.jobUid };
      return { kind: 'rejected', message: `execution ${executionId} is here already, with another request` };
    },

    adopt: (job: Job, request: ExecutionRequest) =>
      isOurs(request) && isForeign(job) && !entries.has(job.executionId) ? add(job, request) : undefined,

    async remove(entry: Entry) {
      const { job } = entry;
      if (entries.get(job.executionId) === entry) entries.delete(job.executionId);
      if (isForeign(job)) removedForeign.add(job.jobUid);
      const removal = await entry.remove();
      for (const observe of observers) observe({ job, status: { kind: 'absent' } });
      return removal;
    },

    observe(observe: (observation: Observation) => void): () => void {
      observers.add(observe);
      for (const { job, status } of entries.values()) observe({ job, status: status() });
      return () => observers.delete(observe);
    },
  };
}

function isOurs(request: ExecutionRequest): request is WasmRequest {
  return isWasmLanguage(request.language);
}
