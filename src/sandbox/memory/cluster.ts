import { randomUUID } from 'node:crypto';
import type { Waiting } from '../../execution/execution.ts';
import { type Around, type ClusterApi, connect } from './api.ts';
import { type Interpret, tinyPython } from './behaviour.ts';
import { type Clock, realClock } from './clock.ts';
import { garbageCollector, jobController } from './controllers.ts';
import { type Disruption, disrupt } from './disruption.ts';
import { kubelet, mount, startable } from './kubelet.ts';
import type { ConfigMapObject, JobObject, PodObject } from './objects.ts';
import { type ClusterEvent, type ClusterState, defaultDelaysMs, putPod, type Step } from './state.ts';

export interface MemoryClusterOptions {
  /** Default: real time. */
  readonly clock?: Clock;
  /** Most Jobs at a time, as ResourceQuota `count/jobs.batch` sets it. Default: no limit. */
  readonly quota?: number;
  /** What programs do. Default: `tinyPython`. */
  readonly behaviour?: Interpret;
  /** How long each step takes, in milliseconds, asked anew each time. Default: `defaultDelaysMs`. */
  readonly delay?: (step: Step) => number;
  /** Kubelet times without their milliseconds, as Kubernetes writes them. Default: true. */
  readonly wholeSeconds?: boolean;
  /** Size at which a log is rotated away. Default: 10 MiB. */
  readonly logFileBytes?: number;
  /** Default: one hour. */
  readonly ttlSecondsAfterFinished?: number;
  /** Default: random UUIDs. */
  readonly newUid?: () => string;
}

/** A Kubernetes namespace in memory, seen from where an operator, or a test, stands. */
export interface MemoryCluster {
  readonly clock: Clock;
  /** What happened, oldest first, at the moment it was true: what the records are held against. */
  readonly history: readonly ClusterEvent[];
  /** Everything that exists now; empty when nothing is left behind. */
  objects(): { readonly jobs: JobObject[]; readonly pods: PodObject[]; readonly configMaps: ConfigMapObject[] };
  /** Uids of the Jobs whose code runs at this moment, also where no API could tell. */
  running(): string[];
  disrupt(jobUid: string, how: Disruption): void;
  /** Keeps pods that have not started from starting, for this reason; null lets them go on. */
  hold(waiting: Omit<Waiting, 'since'> | null): void;
  /** Refuses every new Job for good, as an admission policy does; null admits them again. */
  refuse(message: string | null): void;
  setQuota(jobs: number): void;
  /** Delivers every watch event twice. */
  duplicateWatchEvents(on: boolean): void;
  /** Ends every watch; clients can resume where they were. */
  cutWatches(): void;
  /** Ends every watch and forgets what they would resume from: 410 Gone. */
  expireWatches(): void;
  /** The API server, for an adapter. */
  connect(client: string, around: Around): ClusterApi;
}

/** Makes a model of a cluster that does what Kubernetes does: late, asynchronously, and with every ending there is. */
export function memoryCluster(options: MemoryClusterOptions = {}): MemoryCluster {
  const state = emptyState(options);
  return {
    clock: state.options.clock,
    history: state.history,
    objects: () => ({
      jobs: [...state.jobs.values()],
      pods: [...state.pods.values()],
      configMaps: [...state.configMaps.values()],
    }),
    running: () => running(state),
    disrupt: (jobUid, how) => disrupt(state, jobUid, how),
    hold: (waiting) => hold(state, waiting),
    refuse: (message) => {
      state.refusal = message;
    },
    setQuota: (jobs) => {
      state.quota = jobs;
    },
    duplicateWatchEvents: (on) => {
      state.duplicates = on;
    },
    cutWatches: () => endWatches(state, 'cut'),
    expireWatches: () => {
      state.changes.length = 0;
      state.oldestVersion = state.version;
      endWatches(state, 'expired');
    },
    connect: (client, around) => connect(state, client, around),
  };
}

function emptyState(options: MemoryClusterOptions): ClusterState {
  return {
    options: {
      clock: options.clock ?? realClock,
      interpret: options.behaviour ?? tinyPython,
      delay: options.delay ?? ((step) => defaultDelaysMs[step]),
      newUid: options.newUid ?? randomUUID,
      wholeSeconds: options.wholeSeconds ?? true,
      logFileBytes: options.logFileBytes ?? 10 * 1024 * 1024,
      ttlSecondsAfterFinished: options.ttlSecondsAfterFinished ?? 3600,
    },
    jobs: new Map(),
    pods: new Map(),
    configMaps: new Map(),
    containers: new Map(),
    unreachable: new Set(),
    admitted: new Set(),
    alarms: new Map(),
    history: [],
    changes: [],
    streams: new Set(),
    reactions: [jobController, garbageCollector, kubelet],
    version: 0,
    oldestVersion: 0,
    quota: options.quota ?? Number.POSITIVE_INFINITY,
    quotaUsed: 0,
    hold: null,
    refusal: null,
    duplicates: false,
  };
}

function running(state: ClusterState): string[] {
  return [...state.pods.values()].filter((pod) => state.containers.get(pod.uid)?.alive()).map((pod) => pod.jobUid);
}

function hold(state: ClusterState, waiting: Omit<Waiting, 'since'> | null): void {
  state.hold = waiting;
  for (const uid of [...state.pods.keys()]) {
    const pod = startable(state, uid);
    if (pod === undefined) continue;
    putPod(state, { ...pod, waiting: waiting ?? { reason: 'Starting', message: '', curable: true } });
    mount(state, uid);
  }
}

function endWatches(state: ClusterState, why: 'cut' | 'expired'): void {
  for (const stream of [...state.streams]) stream.close(why);
}
