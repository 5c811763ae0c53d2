import { jobSchema, podSchema } from '../../../src/sandbox/kubernetes/objects.ts';
import { job, pod } from './fake-api.ts';

const started = '2026-01-01T00:00:05Z';
const finished = '2026-01-01T00:00:09Z';
export const startedAt = Date.parse(started);
export const finishedAt = Date.parse(finished);

export const parsePod = (status: object, more: object = {}) => podSchema.parse(pod('p', 'j', status, {}, more));
export const parseJob = (status: object, more: object = {}) =>
  jobSchema.parse(job('run', 'j', { status, metadata: more }));
export const deleted = { deletionTimestamp: '2026-01-01T00:00:08Z' };

export const exited = (exitCode: number, reason: string, more: object = {}) => ({
  containerStatuses: [
    { state: { terminated: { exitCode, reason, startedAt: started, finishedAt: finished, ...more } } },
  ],
});
export const running = { containerStatuses: [{ state: { running: { startedAt: started } } }] };
export const waits = (reason: string, message = '') => ({
  containerStatuses: [{ state: { waiting: { reason, message } } }],
});
export const disrupted = (reason: string, status = 'True') => ({
  conditions: [{ type: 'DisruptionTarget', status, reason }],
});

export const ending = (container: object | null, more: object = {}) => ({
  podReason: '',
  podMessage: '',
  disruption: '',
  container,
  jobReason: '',
  ...more,
});
export const exit = (exitCode: number, reason: string) => ({ exitCode, reason, message: '', startedAt, finishedAt });
export const ended = (of: object, deleting = false) => ({ kind: 'ended', ending: of, deleting });
export const stillRunning = { kind: 'running', startedAt, pod: 'pod-p' };
