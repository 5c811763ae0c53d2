import { unpackFiles } from '../../execution/files.ts';
import { type Exit, startContainer } from './container.ts';
import { type ConfigMapObject, isOver, type ObjectChange, type PodObject } from './objects.ts';
import { after, type ClusterState, podsOf, putPod, record, setAlarm } from './state.ts';

/** Scheduler and kubelet: a pod starts when its ConfigMap is there, and ends with its program, deadline or deletion. */
export function kubelet(state: ClusterState, change: ObjectChange): void {
  if (change.type === 'deleted') return;
  if (change.kind === 'ConfigMap') {
    for (const pod of podsOf(state, change.object.ownerUid)) mount(state, pod.uid);
  }
  if (change.kind !== 'Pod') return;
  const { uid, template, deletedAt } = change.object;
  if (deletedAt !== null) after(state, 'kill', () => kill(state, uid));
  else if (change.type === 'added') {
    if (template.gated) admit(state, uid);
    else after(state, 'scheduling', () => admit(state, uid));
  }
}

/** A pod that may still start: not ended, not going away, on a node that answers. */
export function startable(state: ClusterState, uid: string): PodObject | undefined {
  const pod = state.pods.get(uid);
  if (pod === undefined || pod.deletedAt !== null || isOver(pod)) return undefined;
  return state.containers.has(uid) || state.unreachable.has(uid) ? undefined : pod;
}

function admit(state: ClusterState, uid: string): void {
  const pod = startable(state, uid);
  if (pod === undefined) return;
  state.admitted.add(uid);
  setAlarm(state, `deadline ${uid}`, pod.template.deadlineSeconds, () => exceedDeadline(state, uid));
  after(state, 'mountWarning', () => warnOfMount(state, uid));
  mount(state, uid);
}

function warnOfMount(state: ClusterState, uid: string): void {
  const pod = startable(state, uid);
  if (pod === undefined || state.hold !== null || state.configMaps.has(pod.template.configMapName)) return;
  const name = pod.template.configMapName;
  putPod(state, { ...pod, waiting: { reason: 'Mount', message: `configmap "${name}" not found`, curable: true } });
}

/** Starts the container if nothing is in its way; called again whenever something may have gone out of it. */
export function mount(state: ClusterState, uid: string): void {
  const pod = startable(state, uid);
  const configMap = pod && state.configMaps.get(pod.template.configMapName);
  if (configMap === undefined || !state.admitted.has(uid)) return;
  if (configMap.startedAt !== null) start(state, uid, configMap);
  else if (state.hold === null) after(state, 'containerStart', () => start(state, uid, configMap));
}

/** The kubelet holds a copy of the ConfigMap by now: a deletion since then stops nothing, the pod's deletion does. */
function start(state: ClusterState, uid: string, configMap: ConfigMapObject): void {
  const pod = startable(state, uid);
  if (pod === undefined || (state.hold !== null && !pod.template.gated)) return;
  const { clock, interpret, logFileBytes } = state.options;
  const { request, gated } = pod.template;
  const { language, args, env } = request;
  const code = new TextDecoder().decode(configMap.code);
  const time = () => (gated ? clock.now() : kubeletTime(state));
  const startedAt = configMap.startedAt ?? time();
  record(state, 'started', pod);
  const container = startContainer({
    clock,
    startedAt,
    request,
    behaviour: interpret(code, { language, args, env, stdin: configMap.stdin, files: unpackFiles(configMap.files) }),
    logFileBytes,
    onExit: (exit) => {
      record(state, 'stopped', pod);
      reportExit(state, uid, exit, { startedAt, finishedAt: time() });
    },
  });
  state.containers.set(uid, container);
  report(state, uid, (current) => (isOver(current) ? current : { ...current, phase: 'Running', startedAt }));
}

function kubeletTime({ options }: ClusterState): number {
  const now = options.clock.now();
  return options.wholeSeconds ? Math.floor(now / 1000) * 1000 : now;
}

function reportExit(
  state: ClusterState,
  uid: string,
  exit: Exit,
  times: { startedAt: number; finishedAt: number },
): void {
  report(state, uid, (pod) => ({
    ...pod,
    phase: exit.exitCode === 0 ? 'Succeeded' : 'Failed',
    startedAt: times.startedAt,
    terminated: { exitCode: exit.exitCode, reason: exit.reason, message: '', ...times },
  }));
}

/** Writes a pod's status, unless its node has gone silent in the meantime. */
function report(state: ClusterState, uid: string, change: (pod: PodObject) => PodObject): void {
  after(state, 'statusReport', () => {
    const pod = state.pods.get(uid);
    if (pod === undefined || state.unreachable.has(uid)) return;
    const changed = change(pod);
    if (changed !== pod) putPod(state, changed);
  });
}

/** What else the kubelet or a controller says of a pod whose container it ends. */
export type Cause = Partial<Pick<PodObject, 'reason' | 'message' | 'disruption'>>;

/** Ends a pod from outside and leaves it readable, unless it has ended by itself; what never started leaves no status. */
export function endPod(state: ClusterState, uid: string, cause: Cause, exit: Exit): void {
  const pod = state.pods.get(uid);
  if (pod === undefined || isOver(pod)) return;
  const container = state.containers.get(uid);
  if (container?.alive() === false) return;
  putPod(state, { ...pod, ...cause });
  if (container === undefined) report(state, uid, (current) => ({ ...current, phase: 'Failed' }));
  else container.kill(exit);
}

function exceedDeadline(state: ClusterState, uid: string): void {
  if (state.unreachable.has(uid)) return;
  const message = 'Pod was active on the node longer than the specified deadline';
  endPod(state, uid, { reason: 'DeadlineExceeded', message }, { exitCode: 137, reason: 'Error' });
}

/** A deleted pod: what runs in it ends and its last status is written; the Job controller then lets it go. */
function kill(state: ClusterState, uid: string): void {
  const pod = state.pods.get(uid);
  if (pod === undefined || isOver(pod) || state.unreachable.has(uid)) return;
  const container = state.containers.get(uid);
  if (container === undefined) putPod(state, { ...pod, phase: 'Failed' });
  else container.kill({ exitCode: 137, reason: 'Error' });
}
