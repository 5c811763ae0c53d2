import { isDeepStrictEqual } from 'node:util';
import type { ExecutionRequest } from '../execution/execution.ts';
import { jobName } from '../execution/identity.ts';
import { jobDeadlines } from '../execution/job-deadlines.ts';
import type { Around, ClusterApi, Listing } from './memory/api.ts';
import type { MemoryCluster } from './memory/cluster.ts';
import { noOutput } from './memory/log.ts';
import { jobOf, mirror, podsIn, type View } from './memory/mirror.ts';
import { isOver, type JobObject } from './memory/objects.ts';
import { statusOf } from './memory/status.ts';
import {
  type Creation,
  type Job,
  NotRemovedError,
  type Removal,
  type Sandbox,
  type SandboxInput,
  type SandboxOutput,
  type SandboxSpec,
  type Start,
} from './sandbox.ts';

export interface MemorySandboxOptions {
  readonly cluster: MemoryCluster;
  /** Random id of the store whose Jobs these are. */
  readonly installation: string;
  readonly namespaceUid: string;
  /** Starts only with `permit`, at the very moment, as a sandbox does that holds its own child. Default: false. */
  readonly gated?: boolean;
  /** Names this client in the cluster's history. Default: `client`. */
  readonly client?: string;
  /** Stands around every API call. Default: nothing does. */
  readonly around?: Around;
  /** How long `remove` waits for the last pod before it throws. Default: 60 seconds. */
  readonly removalTimeoutMs?: number;
}

interface Connection {
  readonly api: ClusterApi;
  readonly cluster: MemoryCluster;
  readonly installation: string;
  readonly gated: boolean;
  readonly removalTimeoutMs: number;
}

/** A client of a memory cluster: the Kubernetes adapter's calls in the Kubernetes adapter's order, on a model. */
export function memorySandbox(options: MemorySandboxOptions): Sandbox {
  const { cluster, installation, client = 'client', around = async (_, effect) => effect() } = options;
  const { gated = false, removalTimeoutMs = 60_000 } = options;
  const api = cluster.connect(client, around);
  const connection: Connection = { api, cluster, installation, gated, removalTimeoutMs };
  return {
    kind: 'memory',
    isolation: 'none',
    target: `memory:${options.namespaceUid}`,
    minimumMemoryMiB: () => 1,
    create: (spec) => create(connection, spec),
    start: (job, spec, input, permit) => start(connection, { job, spec, input, permit }),
    inspect: async (job) => {
      // Both at one moment: a pod that went between two looks would be one that never was.
      const { jobs, pods } = await api.list(installation);
      return statusOf(
        jobs.find(({ uid }) => uid === job.jobUid),
        pods.filter(({ jobUid }) => jobUid === job.jobUid),
      );
    },
    output: (job) => output(connection, job),
    remove: (job, { wait }) => (wait ? removeAndWait(connection, job) : remove(connection, job)),
    list: async () => (await api.list(installation)).jobs.map(jobOf),
    watch: (observe, signal) =>
      mirror({
        api,
        clock: cluster.clock,
        installation,
        signal,
        notice: (job, view) => {
          const status = statusOf(view.jobs.get(job.jobUid), podsIn(view, job.jobUid));
          observe({ job, status });
        },
      }),
  };
}

const createAttempts = 3;

async function create(connection: Connection, { executionId, request }: SandboxSpec): Promise<Creation> {
  const { api, installation } = connection;
  const name = jobName(installation, executionId);
  for (let attempt = 0; attempt < createAttempts; attempt++) {
    const answer = await api.createJob(newJob(connection, executionId, request));
    if (answer.status === 201) return { kind: 'created', jobUid: answer.job.uid };
    // Quota is asked before the name: a Job that is there already may be hidden behind the refusal.
    const existing = await api.getJob(name);
    if (existing !== undefined) return verified(existing, request);
    if (answer.status === 403) {
      return { kind: answer.cause === 'quota' ? 'full' : 'rejected', message: answer.message };
    }
  }
  throw new Error(`Job ${name} comes and goes; try again`);
}

function newJob({ installation, gated }: Connection, executionId: string, request: ExecutionRequest) {
  const deadlines = jobDeadlines(request);
  return {
    name: jobName(installation, executionId),
    installation,
    executionId,
    template: { request, gated, deadlineSeconds: deadlines.pod },
    deadlineSeconds: deadlines.job,
  };
}

function verified(existing: JobObject, request: ExecutionRequest): Creation {
  if (existing.deletedAt !== null) throw new Error(`Job ${existing.name} is being deleted; try again when it is gone`);
  // Its name says whose it is; only what it was made for may differ.
  if (isDeepStrictEqual(existing.template.request, request)) return { kind: 'created', jobUid: existing.uid };
  return { kind: 'rejected', message: `Job ${existing.name} exists and was made for another request` };
}

/** The Job of exactly that uid; one that was made later under its name is another. */
async function read({ api, installation }: Connection, job: Job): Promise<JobObject | undefined> {
  const found = await api.getJob(jobName(installation, job.executionId));
  return found?.uid === job.jobUid ? found : undefined;
}

interface Starting {
  readonly job: Job;
  readonly spec: SandboxSpec;
  readonly input: SandboxInput;
  readonly permit: (startedAt: number) => Promise<boolean>;
}

async function start(connection: Connection, { job, input, permit }: Starting): Promise<Start> {
  const { api, cluster, gated, installation } = connection;
  const found = await read(connection, job);
  if (found === undefined || found.deletedAt !== null) return 'absent';
  const name = found.template.configMapName;
  const { executionId, jobUid } = job;
  let startedAt: number | null = null;
  if (gated) {
    if ((await api.getConfigMap(name)) !== undefined) return 'started';
    startedAt = cluster.clock.now();
    if (!(await permit(startedAt))) return 'refused';
  }
  await api.createConfigMap({ name, installation, executionId, ownerUid: jobUid, ...input, startedAt });
  // 409 needs no look: the name carries a nonce of this Job, so only this Job's own signal can have it.
  return 'started';
}

async function output({ api, installation }: Connection, job: Job): Promise<SandboxOutput> {
  const { pods } = await api.list(installation);
  const ours = pods.filter(({ jobUid }) => jobUid === job.jobUid);
  const pod = ours.find(isOver) ?? ours.at(-1);
  return pod === undefined ? noOutput : api.log(pod);
}

async function remove({ api, installation }: Connection, job: Job): Promise<Removal> {
  const listing = await api.list(installation);
  await api.deleteJob(jobName(installation, job.executionId), job.jobUid, 'Background');
  if (!belongs(listing, job)) return { started: null };
  return { started: listing.pods.some((pod) => pod.jobUid === job.jobUid && pod.startedAt !== null) };
}

async function removeAndWait(connection: Connection, job: Job): Promise<Removal> {
  const { api, cluster, installation, removalTimeoutMs } = connection;
  const first = await api.list(installation);
  if (!belongs(first, job)) return { started: null };
  await api.deleteJob(jobName(installation, job.executionId), job.jobUid, 'Foreground');
  const deletedAt = first.jobs.find(({ uid }) => uid === job.jobUid)?.deletedAt ?? cluster.clock.now();
  const end = new AbortController();
  const seen = { started: false, gone: false };
  const notice = ({ jobUid }: Job, view: View, gap: boolean) => {
    if (jobUid !== job.jobUid) return;
    const pods = podsIn(view, jobUid);
    seen.started ||= pods.some((pod) => pod.startedAt !== null);
    seen.gone = !view.jobs.has(jobUid) && pods.length === 0;
    // A pod that nobody saw go may have started.
    seen.started ||= gap && pods.length === 0;
    if (seen.gone) end.abort();
  };
  const cancel = cluster.clock.setTimeout(() => end.abort(), removalTimeoutMs);
  await mirror({ api, clock: cluster.clock, installation, signal: end.signal, notice, first });
  cancel();
  if (!seen.gone) throw new NotRemovedError(`Job ${job.jobUid} is still being removed`, deletedAt);
  return { started: seen.started };
}

function belongs({ jobs, pods }: Listing, { jobUid }: Job): boolean {
  return jobs.some(({ uid }) => uid === jobUid) || pods.some((pod) => pod.jobUid === jobUid);
}
