import { isOver, type JobObject, type ObjectChange, type PodObject } from './objects.ts';
import {
  after,
  type ClusterState,
  dropConfigMap,
  dropJob,
  dropPod,
  jobByUid,
  podsOf,
  putJob,
  putPod,
  record,
  setAlarm,
} from './state.ts';

/** The Job controller: one pod per Job, a condition when it ended, the Job's deadline, and the TTL after all. */
export function jobController(state: ClusterState, change: ObjectChange): void {
  if (change.kind === 'Job' && change.type === 'added') adopt(state, change.object);
  if (change.kind !== 'Pod') return;
  const { jobUid, uid } = change.object;
  if (change.type === 'deleted') after(state, 'jobStatus', () => settle(state, jobUid));
  else if (isOver(change.object)) after(state, 'jobStatus', () => count(state, jobUid, uid));
}

/** A pod that is going away is let go only when the Job has counted it, as its finalizer demands. */
function count(state: ClusterState, jobUid: string, podUid: string): void {
  settle(state, jobUid);
  const pod = state.pods.get(podUid);
  if (pod !== undefined && pod.deletedAt !== null) dropPod(state, podUid);
}

function adopt(state: ClusterState, job: JobObject): void {
  setAlarm(state, `deadline ${job.uid}`, job.deadlineSeconds, () => exceedDeadline(state, job.uid));
  if (job.template.gated) createPod(state, job.uid);
  else after(state, 'podCreation', () => createPod(state, job.uid));
}

function createPod(state: ClusterState, jobUid: string): void {
  const job = jobByUid(state, jobUid);
  if (job === undefined || job.deletedAt !== null || job.failureTarget !== '') return;
  const pod: PodObject = {
    name: `${job.name}-${state.options.newUid().slice(0, 5)}`,
    uid: state.options.newUid(),
    installation: job.installation,
    executionId: job.executionId,
    deletedAt: null,
    jobUid,
    template: job.template,
    phase: 'Pending',
    waiting: state.hold ?? { reason: 'Starting', message: '', curable: true },
    startedAt: null,
    terminated: null,
    reason: '',
    message: '',
    disruption: '',
  };
  record(state, 'podCreated', pod);
  putPod(state, pod);
}

/** Brings the Job's condition in line with its pods; with a deadline passed it waits until they are gone. */
function settle(state: ClusterState, jobUid: string): void {
  const job = jobByUid(state, jobUid);
  const pods = podsOf(state, jobUid);
  if (job === undefined || job.condition !== '' || !pods.every(isOver)) return;
  if (job.failureTarget !== '' && pods.length > 0) return;
  putJob(state, { ...job, condition: job.failureTarget || conditionFrom(pods) });
  setAlarm(state, `ttl ${jobUid}`, job.ttlSecondsAfterFinished, () => deleteJob(state, jobUid, 'Foreground'));
}

function conditionFrom(pods: readonly PodObject[]): string {
  if (pods.some((pod) => pod.phase === 'Succeeded')) return 'Complete';
  return pods.some((pod) => pod.disruption !== '') ? 'PodFailurePolicy' : 'BackoffLimitExceeded';
}

/** The Job's own deadline deletes the pods, log and all; the condition comes when they are gone. */
export function exceedDeadline(state: ClusterState, jobUid: string): void {
  const job = jobByUid(state, jobUid);
  if (job === undefined || job.condition !== '') return;
  putJob(state, { ...job, failureTarget: 'DeadlineExceeded' });
  const pods = podsOf(state, jobUid);
  for (const pod of pods) deletePod(state, pod.uid);
  if (pods.length === 0) after(state, 'jobStatus', () => settle(state, jobUid));
}

/** Marks a pod for deletion; it goes when the kubelet has ended what runs in it. */
export function deletePod(state: ClusterState, uid: string): void {
  const pod = state.pods.get(uid);
  if (pod === undefined || pod.deletedAt !== null) return;
  putPod(state, { ...pod, deletedAt: state.options.clock.now() });
}

/** Background: the Job is gone at once and its pods run on until they are collected. Foreground: it goes last. */
export function deleteJob(state: ClusterState, jobUid: string, propagation: 'Background' | 'Foreground'): void {
  const job = jobByUid(state, jobUid);
  if (job === undefined) return;
  if (propagation === 'Background') dropJob(state, job);
  else if (job.deletedAt === null) putJob(state, { ...job, deletedAt: state.options.clock.now() });
}

/** The garbage collector: nothing outlives its owner for long, and a Job deleted in the foreground outlives the rest. */
export function garbageCollector(state: ClusterState, change: ObjectChange): void {
  const ownerUid = ownerOf(change);
  const owner = jobByUid(state, ownerUid);
  if (owner === undefined || owner.deletedAt !== null) {
    after(state, 'garbageCollection', () => collect(state, ownerUid));
  }
}

function ownerOf(change: ObjectChange): string {
  switch (change.kind) {
    case 'Job':
      return change.object.uid;
    case 'Pod':
      return change.object.jobUid;
    case 'ConfigMap':
      return change.object.ownerUid;
  }
}

function collect(state: ClusterState, ownerUid: string): void {
  for (const pod of podsOf(state, ownerUid)) deletePod(state, pod.uid);
  for (const configMap of [...state.configMaps.values()]) {
    if (configMap.ownerUid === ownerUid) dropConfigMap(state, configMap);
  }
  const owner = jobByUid(state, ownerUid);
  if (owner !== undefined && podsOf(state, ownerUid).length === 0) dropJob(state, owner);
}
