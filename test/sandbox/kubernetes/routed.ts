import type { ServerResponse } from 'node:http';
import { jobSandbox } from '../../../src/sandbox/kubernetes/job-sandbox.ts';
import { type Asked, type FakeApi, fakeApi, pod, refuse, reply } from './fake-api.ts';
import { executionId, installationId, name } from './specs.ts';

export const jobPath = `/apis/batch/v1/namespaces/ns/jobs/${name}`;
export const pods = '/api/v1/namespaces/ns/pods';
export const events = '/api/v1/namespaces/ns/events';
export const theJob = { executionId, jobUid: 'j' };

export const sandboxOn = ({ api }: FakeApi) =>
  jobSandbox({ api, namespace: 'ns', namespaceUid: 'ns-uid', installation: { id: installationId } });

export const startedAt = '2026-01-01T00:00:05Z';
const exit = { state: { terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt: startedAt } } };
export const ended = pod('p', 'j', { phase: 'Succeeded', containerStatuses: [exit] });
export const pending = pod('p', 'j', { phase: 'Pending' });

export type Routes = Readonly<Record<string, (response: ServerResponse, asked: Asked) => void>>;

export const routed = (routes: Routes) =>
  fakeApi((asked, response) => {
    const route = routes[`${asked.method} ${asked.path}`] ?? routes[asked.path];
    if (route === undefined) refuse(response, 404, 'NotFound');
    else route(response, asked);
  });

export const shows = (body: object) => (response: ServerResponse) => reply(response, 200, body);
