import type { Exit } from './container.ts';
import { deletePod, exceedDeadline } from './controllers.ts';
import { type Cause, endPod } from './kubelet.ts';
import { isOver } from './objects.ts';
import { type ClusterState, dropConfigMap, dropJob, dropPod, jobByUid, podsOf, putPod } from './state.ts';

interface PodEnd {
  readonly cause: Cause;
  readonly exit: Exit;
  /** The pod is deleted too, so that it is soon gone. */
  readonly deleted: boolean;
}

const killed: Exit = { exitCode: 137, reason: 'Error' };

/** Endings that the kubelet and the controllers give to a pod, as their status shows them. */
const podEnds = {
  /** The node is short of memory. */
  evicted: {
    cause: {
      reason: 'Evicted',
      message: 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 48Mi.',
      disruption: 'TerminationByKubelet',
    },
    exit: killed,
    deleted: false,
  },
  /** The pod is over its own disk limit. */
  disk_full: {
    cause: {
      reason: 'Evicted',
      message: 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.',
    },
    exit: killed,
    deleted: false,
  },
  preempted: { cause: { disruption: 'PreemptionByScheduler' }, exit: killed, deleted: true },
  drained: { cause: { disruption: 'EvictionByEvictionAPI' }, exit: killed, deleted: true },
  /** A spot node goes; the kubelet ends its pods in order. */
  node_shutdown: {
    cause: {
      reason: 'Terminated',
      message: 'Pod was terminated in response to imminent node shutdown.',
      disruption: 'TerminationByKubelet',
    },
    exit: killed,
    deleted: false,
  },
  out_of_memory: { cause: {}, exit: { exitCode: 128, reason: 'OOMKilled' }, deleted: false },
  /** PID 1 is killed, by the program or by memory that nobody names. */
  killed: { cause: {}, exit: killed, deleted: false },
  /** The container's status is lost over a restart of the kubelet. */
  status_unknown: { cause: {}, exit: { exitCode: 137, reason: 'ContainerStatusUnknown' }, deleted: false },
  /** The kubelet refuses the pod before anything starts. */
  not_admitted: { cause: { reason: 'OutOfcpu', message: 'Pod was rejected' }, exit: killed, deleted: false },
} as const satisfies Record<string, PodEnd>;

/** What can happen to a Job that nobody in the pipeline asked for. */
export type Disruption =
  | keyof typeof podEnds
  /** The node falls silent: its programs may run on, and nobody can tell. */
  | 'node_lost'
  /** The silent node is given up: its programs are gone, and so is the pod, soon. */
  | 'node_gone'
  /** Somebody, or the autoscaler after its end, deletes the pod. */
  | 'pod_deleted'
  /** Somebody deletes the Job, as `kubectl delete` does. */
  | 'job_deleted'
  /** The Job's own deadline comes, before every other clock. */
  | 'job_deadline'
  /** Job, pod and program are gone at once without a trace, as in a process that was killed with its children. */
  | 'vanished';

/** Lets a disruption happen to the Job of that uid; what cannot happen to it any more does nothing. */
export function disrupt(state: ClusterState, jobUid: string, how: Disruption): void {
  const job = jobByUid(state, jobUid);
  if (how === 'vanished') vanish(state, jobUid);
  else if (how === 'job_deadline') exceedDeadline(state, jobUid);
  else if (how !== 'job_deleted') for (const { uid } of podsOf(state, jobUid)) disruptPod(state, uid, how);
  else if (job !== undefined) dropJob(state, job);
}

type PodDisruption = Exclude<Disruption, 'vanished' | 'job_deleted' | 'job_deadline'>;

function disruptPod(state: ClusterState, uid: string, how: PodDisruption): void {
  if (how === 'pod_deleted') deletePod(state, uid);
  else if (how === 'node_lost') state.unreachable.add(uid);
  else if (how === 'node_gone') giveUpNode(state, uid);
  else {
    const { cause, exit, deleted }: PodEnd = podEnds[how];
    endPod(state, uid, cause, exit);
    if (deleted) deletePod(state, uid);
  }
}

/** The program stops unseen; the pod garbage collector fails the pod and deletes it without asking a kubelet. */
function giveUpNode(state: ClusterState, uid: string): void {
  state.unreachable.add(uid);
  state.containers.get(uid)?.kill(killed);
  const pod = state.pods.get(uid);
  if (pod === undefined) return;
  const deletedAt = pod.deletedAt ?? state.options.clock.now();
  const { startedAt } = pod;
  const unknown = { exitCode: 137, reason: 'ContainerStatusUnknown', message: '', startedAt, finishedAt: null };
  const terminated = startedAt === null ? null : unknown;
  const failed = { phase: 'Failed', terminated, disruption: 'DeletionByPodGC' } as const;
  putPod(state, { ...pod, ...(isOver(pod) ? {} : failed), deletedAt });
}

function vanish(state: ClusterState, jobUid: string): void {
  for (const { uid } of podsOf(state, jobUid)) {
    state.containers.get(uid)?.kill(killed);
    dropPod(state, uid);
  }
  for (const configMap of [...state.configMaps.values()]) {
    if (configMap.ownerUid === jobUid) dropConfigMap(state, configMap);
  }
  const job = jobByUid(state, jobUid);
  if (job !== undefined) dropJob(state, job);
}
