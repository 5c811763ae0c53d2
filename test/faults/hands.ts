import type { Execution } from '../../src/execution/execution.ts';
import { noOutput } from '../../src/execution/final.ts';
import { jobName } from '../../src/execution/identity.ts';
import type { ExecutionEvent } from '../../src/execution/transitions.ts';
import { apply, specOf } from '../../src/pipeline/ports.ts';
import { memorySandbox } from '../../src/sandbox/memory.ts';
import type { Lab, Site } from './lab.ts';
import { startProcess } from './process.ts';
import { codeOf, submissionOf } from './programs.ts';
import type { Deed, Hands, View } from './scenario.ts';
import { lateLauncher, stranger } from './truth.ts';

interface Backstage {
  readonly siteOf: (name: string) => Site | undefined;
  readonly find: (name: string) => Execution | undefined;
  readonly view: View;
  readonly did: (name: string, deed: Deed, jobUid?: string) => void;
  readonly cancel: (name: string) => void;
}

/** How long a copy of a Job is left alone. Milliseconds. */
const copyLastsMs = 5_000;

/** What a scenario can do to its cluster and its records from outside. */
export function handsOf(lab: Lab, { siteOf, find, view, did, cancel }: Backstage): Hands {
  const { cluster, time } = lab;
  const api = cluster.connect(stranger, async (_, effect) => effect());
  const nameOf = (name: string) => jobName(siteOf(name)?.installation ?? '', find(name)?.id ?? '');
  const makeJob = (of: { readonly name: string; readonly order: string; readonly installation: string }) => {
    const { request } = submissionOf('exit3', stranger);
    return api.createJob({
      name: of.name,
      installation: of.installation,
      executionId: find(of.order)?.id ?? '',
      template: { request, gated: false, deadlineSeconds: 9_999 },
      deadlineSeconds: 9_999,
    });
  };
  return {
    cluster,
    did,
    later: (ms, act) => void time.setTimeout(act, ms),
    cancel: (name) => {
      did(name, 'cancelled');
      cancel(name);
    },
    disrupt: (name, how) => {
      const uid = view.job(name);
      if (uid === undefined) return;
      did(name, how, uid);
      cluster.disrupt(uid, how);
    },
    deleteInForeground: (name) => {
      const uid = view.job(name);
      if (uid === undefined) return;
      did(name, 'job_deleted', uid);
      void api.deleteJob(nameOf(name), uid, 'Foreground');
    },
    squat: (name) => {
      did(name, 'refused');
      void makeJob({ name: nameOf(name), order: name, installation: stranger });
    },
    replace: (name) => {
      const [site, execution, uid] = [siteOf(name), find(name), view.job(name)];
      if (site === undefined || execution === undefined || uid === undefined) return;
      did(name, 'job_deleted', uid);
      cluster.disrupt(uid, 'job_deleted');
      const { installation } = site;
      const options = { cluster, installation, namespaceUid: 'ns', client: lateLauncher };
      void memorySandbox(options).create(specOf(execution));
    },
    impersonate: async (name) => {
      const installation = siteOf(name)?.installation ?? '';
      const copy = `${nameOf(name)}-copy`;
      const answer = await makeJob({ name: copy, order: name, installation });
      if (answer.status !== 201) return;
      const { uid, executionId, template } = answer.job;
      await api.createConfigMap({
        name: template.configMapName,
        installation,
        executionId,
        ownerUid: uid,
        code: Buffer.from(codeOf('exit3', stranger)),
        stdin: new Uint8Array(0),
        files: new Uint8Array(0),
        startedAt: null,
      });
      time.setTimeout(() => void api.deleteJob(copy, uid, 'Background'), copyLastsMs);
    },
    rumour: async (name) => {
      const id = find(name)?.id;
      const process = startProcess({ name: stranger, time, hangsForEver: true });
      const bus = { publish: async () => {}, subscribe: () => {} };
      const ports = siteOf(name)?.ports({ process, useCase: stranger }, bus);
      if (id === undefined || ports === undefined) return;
      for (const event of foreignEvents(time.now())) await apply(ports, id, event).catch(() => undefined);
    },
  };
}

const said = { jobUid: 'foreign-uid', message: 'a rumour', output: noOutput };

function foreignEvents(now: number): ExecutionEvent[] {
  const ran = { started: true, retrySafe: false, exitCode: 0, signal: null, reason: '', message: '' } as const;
  const container = { exitCode: 0, reason: '', message: '', startedAt: now, finishedAt: now };
  return [
    { ...said, type: 'launched' },
    { ...said, type: 'started', startedAt: 1, epoch: null },
    { ...said, type: 'collected' },
    {
      ...said,
      type: 'ended',
      ending: { podReason: '', podMessage: '', disruption: '', container, jobReason: '' },
      verdict: { ...ran, state: 'SUCCEEDED', fault: null },
    },
    { ...said, type: 'lost' },
    { ...said, type: 'removed', started: true },
  ];
}
