import type { Waiting } from '../../execution/execution.ts';
import type { Interpret } from './behaviour.ts';
import type { Clock } from './clock.ts';
import type { Container } from './container.ts';
import type { ConfigMapObject, JobObject, ObjectChange, PodObject } from './objects.ts';

/** Milliseconds that each step of the cluster takes unless `delay` says otherwise. */
export const defaultDelaysMs = {
  /** Job controller: from a Job to its pod. */
  podCreation: 5,
  /** Scheduler and kubelet: from a pod to its admission on a node. */
  scheduling: 5,
  /** Kubelet: from the start signal to the container's start. */
  containerStart: 10,
  /** Kubelet: from a fact to the pod's status. */
  statusReport: 5,
  /** Job controller: from a pod's end to the Job's condition. */
  jobStatus: 50,
  /** Garbage collector: from an owner's deletion to its dependents'. */
  garbageCollection: 10,
  /** Kubelet: from a pod's deletion to the end of its processes. */
  kill: 10,
  /** Quota controller: from a deletion to the fall of the usage. */
  quotaUpdate: 50,
  /** API server: from a change to its event on a watch. */
  watch: 1,
  /** Kubelet: until a missing ConfigMap becomes a FailedMount event. */
  mountWarning: 200,
} as const;
export type Step = keyof typeof defaultDelaysMs;

/** Something the cluster did, at the moment it was true there and whether or not anybody was told. */
export interface ClusterEvent {
  readonly at: number;
  readonly type:
    | 'jobCreated'
    | 'jobRemoved'
    | 'podCreated'
    | 'podRemoved'
    | 'signalled'
    /** Code began to run. */
    | 'started'
    /** Code stopped running, for whatever reason. */
    | 'stopped';
  readonly installation: string;
  readonly executionId: string;
  readonly jobUid: string;
  /** The client that asked; empty where the cluster acted by itself. */
  readonly client: string;
}

/** An open watch; `close` says why the server ended it. */
interface Stream {
  readonly deliver: (change: ObjectChange) => void;
  readonly close: (why: 'cut' | 'expired') => void;
}

interface ClusterOptions {
  readonly clock: Clock;
  readonly interpret: Interpret;
  readonly delay: (step: Step) => number;
  readonly newUid: () => string;
  /** Kubelet times without their milliseconds. */
  readonly wholeSeconds: boolean;
  readonly logFileBytes: number;
  readonly ttlSecondsAfterFinished: number;
}

/** Everything the model knows: the API server's objects, what runs on the nodes, and what is scheduled to happen. */
export interface ClusterState {
  readonly options: ClusterOptions;
  readonly jobs: Map<string, JobObject>;
  readonly pods: Map<string, PodObject>;
  readonly configMaps: Map<string, ConfigMapObject>;
  /** By pod uid: what runs or ran there, with its log. */
  readonly containers: Map<string, Container>;
  /** Pods whose node answers nobody: no status, no log, no kill, and the program may run on. */
  readonly unreachable: Set<string>;
  readonly admitted: Set<string>;
  /** Deadlines and other late timers, by what they are for, so that they end with it. */
  readonly alarms: Map<string, () => void>;
  readonly history: ClusterEvent[];
  readonly changes: ObjectChange[];
  readonly streams: Set<Stream>;
  readonly reactions: readonly ((state: ClusterState, change: ObjectChange) => void)[];
  version: number;
  /** Watches from an older version get 410 Gone. */
  oldestVersion: number;
  quota: number;
  quotaUsed: number;
  /** What keeps every pod that has not started from starting. */
  hold: Omit<Waiting, 'since'> | null;
  /** The admission policy's refusal of every new Job. */
  refusal: string | null;
  duplicates: boolean;
}

/** Lets a step of the cluster happen after its delay. */
export function after(state: ClusterState, step: Step, run: () => void): void {
  state.options.clock.setTimeout(run, state.options.delay(step));
}

/** Sets a timer that `clearAlarm` ends. */
export function setAlarm(state: ClusterState, key: string, seconds: number, run: () => void): void {
  const cancel = state.options.clock.setTimeout(() => {
    state.alarms.delete(key);
    run();
  }, seconds * 1000);
  state.alarms.set(key, cancel);
}

function clearAlarm(state: ClusterState, key: string): void {
  state.alarms.get(key)?.();
  state.alarms.delete(key);
}

/** Long enough for every watch that is merely late, short enough for a process that runs for months. */
const keptChanges = 2000;
const keptHistory = 100_000;

export function record(
  state: ClusterState,
  type: ClusterEvent['type'],
  of: { installation: string; executionId: string; jobUid: string },
  client = '',
): void {
  const { installation, executionId, jobUid } = of;
  state.history.push({ at: state.options.clock.now(), type, installation, executionId, jobUid, client });
  if (state.history.length > keptHistory) state.history.splice(0, keptHistory / 10);
}

/** Tells every controller at once and every watch a moment later. */
function publish(state: ClusterState, change: ObjectChange): void {
  state.changes.push(change);
  if (state.changes.length > keptChanges) {
    const dropped = state.changes.splice(0, keptChanges / 2);
    state.oldestVersion = dropped.at(-1)?.version ?? state.oldestVersion;
  }
  for (const stream of state.streams) stream.deliver(change);
  for (const react of state.reactions) react(state, change);
}

export function jobByUid(state: ClusterState, uid: string): JobObject | undefined {
  for (const job of state.jobs.values()) if (job.uid === uid) return job;
  return undefined;
}

export function podsOf(state: ClusterState, jobUid: string): PodObject[] {
  return [...state.pods.values()].filter((pod) => pod.jobUid === jobUid);
}

export function putJob(state: ClusterState, object: JobObject): void {
  const type = state.jobs.has(object.name) ? 'modified' : 'added';
  state.jobs.set(object.name, object);
  publish(state, { version: ++state.version, type, kind: 'Job', object });
}

export function putPod(state: ClusterState, object: PodObject): void {
  const type = state.pods.has(object.uid) ? 'modified' : 'added';
  state.pods.set(object.uid, object);
  publish(state, { version: ++state.version, type, kind: 'Pod', object });
}

export function putConfigMap(state: ClusterState, object: ConfigMapObject): void {
  const type = state.configMaps.has(object.name) ? 'modified' : 'added';
  state.configMaps.set(object.name, object);
  publish(state, { version: ++state.version, type, kind: 'ConfigMap', object });
}

export function dropJob(state: ClusterState, object: JobObject): void {
  if (state.jobs.get(object.name)?.uid !== object.uid) return;
  state.jobs.delete(object.name);
  clearAlarm(state, `deadline ${object.uid}`);
  clearAlarm(state, `ttl ${object.uid}`);
  after(state, 'quotaUpdate', () => {
    state.quotaUsed -= 1;
  });
  record(state, 'jobRemoved', { ...object, jobUid: object.uid });
  publish(state, { version: ++state.version, type: 'deleted', kind: 'Job', object });
}

export function dropPod(state: ClusterState, uid: string): void {
  const object = state.pods.get(uid);
  if (object === undefined) return;
  state.pods.delete(uid);
  state.containers.delete(uid);
  state.admitted.delete(uid);
  state.unreachable.delete(uid);
  clearAlarm(state, `deadline ${uid}`);
  record(state, 'podRemoved', object);
  publish(state, { version: ++state.version, type: 'deleted', kind: 'Pod', object });
}

export function dropConfigMap(state: ClusterState, object: ConfigMapObject): void {
  if (state.configMaps.get(object.name)?.uid !== object.uid) return;
  state.configMaps.delete(object.name);
  publish(state, { version: ++state.version, type: 'deleted', kind: 'ConfigMap', object });
}
