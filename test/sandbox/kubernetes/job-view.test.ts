import { expect, test } from 'vitest';
import { jobView } from '../../../src/sandbox/kubernetes/job-view.ts';
import { jobSchema, podSchema } from '../../../src/sandbox/kubernetes/objects.ts';
import type { Observation } from '../../../src/sandbox/sandbox.ts';
import { job, pod } from './fake-api.ts';

const labels = { 'gke-code-executor/execution': 'exec' };
const theJob = (status: object = {}) => jobSchema.parse(job('run', 'j', { metadata: { labels }, status }));
const thePod = (status: object, more: object = {}) => podSchema.parse(pod('p', 'j', status, labels, more));

const pending = thePod({ phase: 'Pending' });
const startedAt = '2026-01-01T00:00:05Z';
const runs = { phase: 'Running', containerStatuses: [{ state: { running: { startedAt } } }] };
const running = thePod(runs);
const exit = { state: { terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt: startedAt } } };
const ended = thePod({ phase: 'Succeeded', containerStatuses: [exit] });
const endedAndGoing = thePod(
  { phase: 'Succeeded', containerStatuses: [exit] },
  { deletionTimestamp: '2026-01-01T00:00:09Z' },
);

/** A view with the kinds of what it reported; for waiting, the reason. */
function viewing() {
  const reports: string[] = [];
  const jobs = new Set<string>();
  const view = jobView(({ job: { executionId, jobUid }, status }: Observation) => {
    jobs.add(`${executionId}/${jobUid}`);
    reports.push(status.kind === 'waiting' ? status.waiting.reason : status.kind);
  });
  return { view, reports, jobs };
}

function listed() {
  const viewed = viewing();
  viewed.view.pods.replaced([]);
  viewed.view.jobs.replaced([]);
  return viewed;
}

test('is silent until pods and Jobs have been listed', () => {
  const { view, reports } = viewing();
  view.jobs.replaced([theJob({ conditions: [{ type: 'Failed', status: 'True' }] })]);
  view.jobs.changed(theJob({ conditions: [{ type: 'Failed', status: 'True' }] }));
  expect(reports).toEqual([]);
  view.pods.replaced([ended]);
  expect(reports).toEqual(['ended']);
});

test('reports a life once, step by step, by the execution and the uid of its Job', () => {
  const { view, reports, jobs } = listed();
  view.jobs.changed(theJob());
  view.pods.changed(pending);
  view.pods.changed(pending);
  view.pods.changed(running);
  view.jobs.changed(theJob({ active: 1 }));
  view.pods.changed(ended);
  view.jobs.changed(theJob({ conditions: [{ type: 'Complete', status: 'True' }] }));
  view.pods.changed(endedAndGoing);
  view.jobs.deleted(theJob());
  view.pods.deleted(endedAndGoing);
  expect(reports).toEqual(['Starting', 'Starting', 'running', 'ended', 'absent']);
  expect([...jobs]).toEqual(['exec/j']);
});

test('knows nothing any more of a Job that is absent', () => {
  const { view, reports } = listed();
  view.pods.changed(running);
  view.pods.deleted(running);
  view.pods.changed(running);
  expect(reports).toEqual(['running', 'absent', 'running']);
});

test('asks the Job when its pod vanished', () => {
  const { view, reports } = listed();
  view.jobs.changed(theJob());
  view.pods.changed(running);
  view.pods.deleted(running);
  view.jobs.changed(theJob({ conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] }));
  expect(reports).toEqual(['Starting', 'running', 'Starting', 'ended']);
});

test('reports everything anew after a list, and the absence of what it does not show', () => {
  const { view, reports } = listed();
  const other = podSchema.parse(pod('q', 'k', runs, labels));
  view.pods.changed(running);
  view.pods.replaced([running, other]);
  view.jobs.replaced([]);
  view.pods.replaced([]);
  expect(reports).toEqual(['running', 'running', 'running', 'running', 'running', 'absent', 'absent']);
});

test('a pod that only wears the labels is no pod of the Job', () => {
  const { view, reports } = listed();
  view.jobs.changed(theJob());
  view.pods.changed(thePod(runs, { ownerReferences: [] }));
  expect(reports).toEqual(['Starting']);
});

test('what events explain stands until the pod moves', () => {
  const { view, reports } = listed();
  view.pods.changed(pending);
  const [stuck] = view.stuck();
  if (stuck === undefined) throw new Error('it is stuck');
  const asked = stuck.status;
  const waiting = { reason: 'Mount', message: 'configmap not found', curable: true } as const;
  view.explain(stuck, asked, { kind: 'waiting', waiting });
  view.pods.changed(pending);
  view.explain(stuck, asked, { kind: 'waiting', waiting });
  view.pods.changed(running);
  view.explain(stuck, asked, { kind: 'waiting', waiting });
  expect(reports).toEqual(['Starting', 'Mount', 'running']);
  expect(view.stuck()).toEqual([]);
});
