import type { Installation } from '../../store/store.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Api } from './api.ts';
import { createJob } from './create.ts';
import { kubernetesFacts, kubernetesTarget } from './facts.ts';
import { inspectJob } from './inspect.ts';
import { labels } from './job-manifest.ts';
import { jobRoom } from './job-room.ts';
import { knownJobs } from './known-jobs.ts';
import { readOutput } from './log.ts';
import { namespaceOf } from './namespace.ts';
import { removeJob } from './remove.ts';
import { awaitedConfigMap, startJob } from './start.ts';
import { watchJobs } from './watch.ts';

/** A sandbox whose connections can be dropped; what runs in the cluster runs on. */
export interface KubernetesSandbox extends Sandbox {
  close(): Promise<void>;
}

/** A namespace of a cluster, signed in to and checked by the caller, see `preflight`. */
export interface SandboxPlace {
  readonly api: Api;
  readonly namespace: string;
  readonly namespaceUid: string;
  readonly installation: Pick<Installation, 'id'>;
}

/** Runs code as gVisor Jobs in that place. */
export function jobSandbox({ api, namespace: name, namespaceUid, installation }: SandboxPlace): KubernetesSandbox {
  const namespace = namespaceOf(api, name, installation.id);
  const known = knownJobs();
  const room = jobRoom();
  // Only who watches learns when a Job goes; everybody else has to ask the quota.
  let watching = 0;
  return {
    ...kubernetesFacts(kubernetesTarget(namespaceUid)),
    create: async (spec) => {
      const message = watching === 0 ? undefined : room.refusal();
      if (message !== undefined) return { kind: 'full', message };
      const creation = await createJob(namespace, spec, (made) => {
        const configMap = awaitedConfigMap(made);
        const job = { executionId: spec.executionId, jobUid: made.metadata.uid };
        if (configMap !== undefined) known.learn(job, { configMap });
      });
      if (creation.kind === 'created' && watching > 0) room.made(creation.jobUid);
      if (creation.kind === 'full') room.refused(creation.message);
      return creation;
    },
    start: async (job, spec, input) => {
      const { configMap, removed } = known.of(job);
      return removed === undefined ? startJob(namespace, job, spec, input, configMap) : 'absent';
    },
    inspect: async (job) => {
      const { status, startedPod } = await inspectJob(namespace, job);
      if (startedPod !== undefined) known.learn(job, { startedPod });
      return status;
    },
    output: (job, spec) => readOutput(namespace, job, spec, known.of(job).startedPod),
    remove: async (job, { wait }) => {
      const { startedPod, removed } = known.of(job);
      if (removed !== undefined && !wait) return removed;
      const knownStarted = startedPod !== undefined || removed?.started === true;
      const started = await removeJob(namespace, job, { wait, knownStarted });
      known.learn(job, { removed: { started } });
      room.gone(job.jobUid);
      return { started };
    },
    list: async () => {
      const jobs = await namespace.jobs();
      return jobs.map(({ metadata }) => ({
        executionId: metadata.labels[labels.execution] ?? '',
        jobUid: metadata.uid,
      }));
    },
    watch: async (observe, signal, onError) => {
      watching += 1;
      const seen: typeof observe = (observation) => {
        if (observation.status.kind === 'absent') room.gone(observation.job.jobUid);
        observe(observation);
      };
      await watchJobs({ namespace, observe: seen, signal, onError });
      watching -= 1;
      if (watching === 0) room.forget();
    },
    close: async () => api.close(),
  };
}
