import { expect, onTestFinished, test } from 'vitest';
import { cancel } from '../../src/pipeline/cancel.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { apply } from '../../src/pipeline/ports.ts';
import { jobSandbox } from '../../src/sandbox/kubernetes/job-sandbox.ts';
import { type FakeApi, fakeApi, list, pod, refuse, reply } from '../sandbox/kubernetes/fake-api.ts';
import { world } from './world.ts';

const minute = 60_000;
const nothingKept = {
  stdout: { bytes: 0, totalBytes: 0, truncated: false },
  stderr: { bytes: 0, totalBytes: 0, truncated: false },
  complete: false,
  incompleteBecause: 'the node could not be asked for the log',
  durationMs: null,
};

/** An execution that runs in a cluster whose API server cannot reach the kubelet; `status` is that of its pod. */
async function unreachable(statusOf: (now: number) => object) {
  const w = world();
  const status = statusOf(w.clock.now());
  let deleted = false;
  const fake: FakeApi = await fakeApi(({ method, path }, response) => {
    if (path.endsWith('/log')) refuse(response, 500, 'InternalError', 'dial tcp 10.0.0.2:10250: i/o timeout');
    else if (method === 'DELETE') {
      deleted = true;
      reply(response, 200, {});
    } else if (path.endsWith('/pods')) reply(response, 200, list(deleted ? [] : [pod('p', 'j', status)]));
    else refuse(response, 404, 'NotFound');
  });
  onTestFinished(() => fake[Symbol.asyncDispose]());
  const sandbox = jobSandbox({ api: fake.api, namespace: 'ns', namespaceUid: 'u', installation: { id: 'aaaaaaaa' } });
  const ports = { ...w.ports(), sandbox };
  const id = await w.submit(ports, 'print("x")');
  await apply(ports, id, { type: 'launched', jobUid: 'j' });
  await apply(ports, id, { type: 'started', jobUid: 'j', startedAt: w.clock.now(), epoch: null });
  return { w, ports, id, isDeleted: () => deleted };
}

const iso = (at: number) => new Date(at).toISOString();
const exited = (now: number) => {
  const terminated = { exitCode: 3, reason: 'Error', startedAt: iso(now), finishedAt: iso(now) };
  return { phase: 'Failed', containerStatuses: [{ state: { terminated } }] };
};
const runs = (now: number) => ({
  phase: 'Running',
  containerStatuses: [{ state: { running: { startedAt: iso(now) } } }],
});

test('an ending whose log cannot be read waits five minutes for it, and then is said without', async () => {
  const { w, ports, id, isDeleted } = await unreachable(exited);
  await w.clock.pass(5 * minute);
  await expect(complete(ports, id)).rejects.toThrow('read the log');
  expect([(await w.get(id)).state, isDeleted()]).toEqual(['RUNNING', false]);
  await w.clock.pass(1);
  await complete(ports, id);
  expect(await w.get(id)).toMatchObject({ state: 'FAILED', exitCode: 3, started: true, output: nothingKept });
  expect(isDeleted()).toBe(true);
});

test('a program whose log cannot be read is stopped all the same, five minutes later', async () => {
  const { w, ports, id, isDeleted } = await unreachable(runs);
  await cancel(ports, id);
  await w.clock.pass(5 * minute);
  await expect(complete(ports, id)).rejects.toThrow('read the log');
  expect([(await w.get(id)).state, isDeleted()]).toEqual(['STOPPING', false]);
  await w.clock.pass(1);
  await complete(ports, id);
  expect(await w.get(id)).toMatchObject({ state: 'CANCELLED', started: true, output: nothingKept });
});
