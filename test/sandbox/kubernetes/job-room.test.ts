import { expect, test } from 'vitest';
import { jobRoom } from '../../../src/sandbox/kubernetes/job-room.ts';
import { jobSandbox } from '../../../src/sandbox/kubernetes/job-sandbox.ts';
import { fakeApi, job, list, refuse, reply } from './fake-api.ts';
import { installationId, name, spec } from './specs.ts';

const refusal =
  'jobs.batch "run" is forbidden: exceeded quota: executions, requested: count/jobs.batch=1, used: count/jobs.batch=2, limited: count/jobs.batch=2';

test('there is room until a quota says how much, and then while fewer Jobs than that are there', () => {
  const room = jobRoom();
  for (const uid of ['a', 'b']) room.made(uid);
  expect(room.refusal()).toBeUndefined();
  room.refused(refusal);
  expect(room.refusal()).toBe(refusal);
  room.gone('a');
  room.gone('a');
  expect(room.refusal()).toBeUndefined();
  room.made('c');
  room.made('c');
  expect(room.refusal()).toBe(refusal);
});

test('a limit is believed for five minutes after the last refusal', () => {
  let now = 0;
  const room = jobRoom(() => now);
  for (const uid of ['a', 'b', 'c']) room.made(uid);
  room.refused(refusal);
  now = 5 * 60_000 - 1;
  expect(room.refusal()).toBe(refusal);
  now += 1;
  expect(room.refusal()).toBeUndefined();
});

test.each([
  'exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
  'exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=0',
])('a refusal that names no limit of Jobs sets none: %s', (message) => {
  const room = jobRoom();
  room.made('a');
  room.refused(message);
  expect(room.refusal()).toBeUndefined();
});

test('a client that watches does not ask a quota that is used up; one that does not watch asks it each time', async () => {
  let made = 0;
  await using fake = await fakeApi(({ method, path }, response) => {
    if (method === 'GET' && path.endsWith(`/${name}`)) refuse(response, 404, 'NotFound');
    else if (method === 'GET') reply(response, 200, list([]));
    else if (made++ < 2) reply(response, 201, job(name, `uid-${made}`));
    else refuse(response, 403, 'Forbidden', refusal);
  });
  const place = { api: fake.api, namespace: 'ns', namespaceUid: 'ns-uid', installation: { id: installationId } };
  const sandbox = jobSandbox(place);
  const creations = async (count: number) => {
    const kinds: string[] = [];
    for (let n = 0; n < count; n++) kinds.push((await sandbox.create(spec())).kind);
    return kinds;
  };
  const over = new AbortController();
  const watched = sandbox.watch(
    () => {},
    over.signal,
    () => {},
  );
  expect(await creations(4)).toEqual(['created', 'created', 'full', 'full']);
  expect(made).toBe(3);
  over.abort();
  await watched;
  expect(await creations(2)).toEqual(['full', 'full']);
  expect(made).toBe(5);
});

const quotaOfOne = refusal.replace('batch=2, limited: count/jobs.batch=2', 'batch=1, limited: count/jobs.batch=1');

test('Jobs are counted only while somebody watches them go, and forgotten with the last watch', async () => {
  let full = false;
  let made = 0;
  await using fake = await fakeApi(({ method, path, query }, response) => {
    if (query.get('watch') === 'true') response.writeHead(200).flushHeaders();
    else if (method === 'GET' && path.endsWith('s')) reply(response, 200, list([]));
    else if (method === 'GET') refuse(response, 404, 'NotFound');
    else if (full) refuse(response, 403, 'Forbidden', quotaOfOne);
    else reply(response, 201, job(name, `uid-${++made}`));
  });
  const place = { api: fake.api, namespace: 'ns', namespaceUid: 'u', installation: { id: installationId } };
  const sandbox = jobSandbox(place);
  /** What came of a request for a Job, and whether the API server was asked. */
  const create = async () => {
    const before = fake.asked.length;
    const { kind } = await sandbox.create(spec());
    return { kind, asked: fake.asked.slice(before).some(({ method }) => method === 'POST') };
  };
  const watched = async (work: () => Promise<void>) => {
    const over = new AbortController();
    const watching = sandbox.watch(
      () => {},
      over.signal,
      () => {},
    );
    await work();
    over.abort();
    await watching;
  };
  expect(await create()).toEqual({ kind: 'created', asked: true });
  full = true;
  expect(await create()).toEqual({ kind: 'full', asked: true });
  // Whatever was there goes while nobody watches.
  full = false;
  await watched(async () => {
    expect(await create()).toEqual({ kind: 'created', asked: true });
    expect(await create()).toEqual({ kind: 'full', asked: false });
  });
  await watched(async () => expect(await create()).toEqual({ kind: 'created', asked: true }));
});
