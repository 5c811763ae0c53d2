import type { SandboxOutput } from '../sandbox.ts';
import { deleteJob } from './controllers.ts';
import { noOutput, readLog } from './log.ts';
import type { ConfigMapObject, JobObject, ObjectChange, PodObject, PodTemplate } from './objects.ts';
import { after, type ClusterState, putConfigMap, putJob, record } from './state.ts';

/** One request of one client to the API server. */
interface ApiCall {
  readonly client: string;
  readonly method: 'createJob' | 'getJob' | 'deleteJob' | 'createConfigMap' | 'getConfigMap' | 'list' | 'log' | 'watch';
}

/**
 * Stands around every API call of a client, so that a test can delay it, lose it before its effect, or lose the answer
 * after it; `effect` must run at most once.
 */
export type Around = <T>(call: ApiCall, effect: () => T) => Promise<T>;

type NewJob = Pick<JobObject, 'name' | 'installation' | 'executionId' | 'deadlineSeconds'> & {
  readonly template: Omit<PodTemplate, 'configMapName'>;
};
type NewConfigMap = Omit<ConfigMapObject, 'uid' | 'deletedAt'>;

type JobAnswer =
  | { readonly status: 201; readonly job: JobObject }
  | { readonly status: 409 }
  | { readonly status: 403; readonly cause: 'quota' | 'policy'; readonly message: string };

/** All objects of one installation as they were at `version`. */
export interface Listing {
  readonly version: number;
  readonly jobs: readonly JobObject[];
  readonly pods: readonly PodObject[];
}

interface Watch {
  readonly installation: string;
  readonly from: number;
  readonly signal: AbortSignal;
  readonly onChange: (change: ObjectChange) => void;
}

/** The API server as one client sees it. */
export interface ClusterApi {
  createJob(job: NewJob): Promise<JobAnswer>;
  getJob(name: string): Promise<JobObject | undefined>;
  deleteJob(name: string, uid: string, propagation: 'Background' | 'Foreground'): Promise<void>;
  createConfigMap(configMap: NewConfigMap): Promise<201 | 409>;
  getConfigMap(name: string): Promise<ConfigMapObject | undefined>;
  list(installation: string): Promise<Listing>;
  /** Throws when the pod's node does not answer. */
  log(pod: PodObject): Promise<SandboxOutput>;
  /** Resolves when the stream ends: cut (resume from the last version), expired (410: list again) or aborted. */
  watch(watch: Watch): Promise<'cut' | 'expired' | 'aborted'>;
}

/** Opens a connection to the cluster under a client's name. */
export function connect(state: ClusterState, client: string, around: Around): ClusterApi {
  const call = <T>(method: ApiCall['method'], effect: () => T): Promise<T> => around({ client, method }, effect);
  return {
    createJob: (job) => call('createJob', () => createJob(state, client, job)),
    getJob: (name) => call('getJob', () => state.jobs.get(name)),
    deleteJob: (name, uid, propagation) =>
      call('deleteJob', () => {
        if (state.jobs.get(name)?.uid === uid) deleteJob(state, uid, propagation);
      }),
    createConfigMap: (configMap) => call('createConfigMap', () => createConfigMap(state, client, configMap)),
    getConfigMap: (name) => call('getConfigMap', () => state.configMaps.get(name)),
    list: (installation) => call('list', () => list(state, installation)),
    log: (pod) => call('log', () => readPodLog(state, pod)),
    watch: async (watch) => {
      await call('watch', () => undefined);
      return openStream(state, watch);
    },
  };
}

/** Admission comes before storage: a full quota refuses even a name that is taken, as the API server does. */
function createJob(state: ClusterState, client: string, job: NewJob): JobAnswer {
  if (state.refusal !== null) return { status: 403, cause: 'policy', message: state.refusal };
  if (state.quotaUsed >= state.quota) {
    const used = `used: count/jobs.batch=${state.quotaUsed}, limited: count/jobs.batch=${state.quota}`;
    const message = `jobs.batch "${job.name}" is forbidden: exceeded quota: executions, requested: count/jobs.batch=1, ${used}`;
    return { status: 403, cause: 'quota', message };
  }
  if (state.jobs.has(job.name)) return { status: 409 };
  const { newUid, ttlSecondsAfterFinished } = state.options;
  const created: JobObject = {
    ...job,
    uid: newUid(),
    template: { ...job.template, configMapName: `${job.name}-${newUid().slice(0, 8)}` },
    ttlSecondsAfterFinished,
    deletedAt: null,
    failureTarget: '',
    condition: '',
  };
  state.quotaUsed += 1;
  record(state, 'jobCreated', { ...created, jobUid: created.uid }, client);
  putJob(state, created);
  return { status: 201, job: created };
}

/** The owner is not checked here: one that is gone makes the ConfigMap an orphan, which is collected. */
function createConfigMap(state: ClusterState, client: string, configMap: NewConfigMap): 201 | 409 {
  if (state.configMaps.has(configMap.name)) return 409;
  record(state, 'signalled', { ...configMap, jobUid: configMap.ownerUid }, client);
  putConfigMap(state, { ...configMap, uid: state.options.newUid(), deletedAt: null });
  return 201;
}

function list(state: ClusterState, installation: string): Listing {
  const jobs = [...state.jobs.values()].filter((job) => job.installation === installation);
  const pods = [...state.pods.values()].filter((pod) => pod.installation === installation);
  return { version: state.version, jobs, pods };
}

function readPodLog(state: ClusterState, pod: PodObject): SandboxOutput {
  if (state.unreachable.has(pod.uid)) throw new Error(`the kubelet of pod ${pod.name} does not answer`);
  const container = state.containers.get(pod.uid);
  return container === undefined ? noOutput : readLog(container.log);
}

function openStream(state: ClusterState, watch: Watch): Promise<'cut' | 'expired' | 'aborted'> {
  if (watch.signal.aborted) return Promise.resolve('aborted');
  if (watch.from < state.oldestVersion) return Promise.resolve('expired');
  const { promise, resolve } = Promise.withResolvers<'cut' | 'expired' | 'aborted'>();
  const wanted = (change: ObjectChange) => change.object.installation === watch.installation;
  const queue = state.changes.filter((change) => change.version > watch.from && wanted(change));
  let delivering = false;
  const pump = () => {
    const next = delivering ? undefined : queue.shift();
    if (next === undefined) return;
    delivering = true;
    after(state, 'watch', () => {
      delivering = false;
      if (!state.streams.has(stream)) return;
      watch.onChange(next);
      if (state.duplicates) watch.onChange(next);
      pump();
    });
  };
  const stream = {
    deliver: (change: ObjectChange) => {
      if (wanted(change)) queue.push(change);
      pump();
    },
    close: (why: 'cut' | 'expired' | 'aborted') => {
      state.streams.delete(stream);
      resolve(why);
    },
  };
  state.streams.add(stream);
  watch.signal.addEventListener('abort', () => stream.close('aborted'), { once: true });
  pump();
  return promise;
}
