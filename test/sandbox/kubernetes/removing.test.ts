import { describe, expect, test } from 'vitest';
import { type FakeApi, job, list, refuse, reply } from './fake-api.ts';
import { ended, jobPath, pending, pods, routed, sandboxOn, shows, startedAt, theJob } from './routed.ts';
import { name, spec } from './specs.ts';

describe('remove', () => {
  const remove = `DELETE ${jobPath}`;
  const read = `GET ${jobPath}`;
  const deletion = (fake: FakeApi) => JSON.parse(fake.asked.find(({ method }) => method === 'DELETE')?.body ?? '');

  test('deletes the Job of that uid in the background, without a look at its pods', async () => {
    await using fake = await routed({ [remove]: shows({}) });
    expect(await sandboxOn(fake).remove(theJob, { wait: false })).toEqual({ started: null });
    expect(fake.asked).toHaveLength(1);
    expect(deletion(fake)).toMatchObject({ preconditions: { uid: 'j' }, propagationPolicy: 'Background' });
  });

  test('does not ask for pods that it saw started', async () => {
    await using fake = await routed({ [pods]: shows(list([ended])), [remove]: shows({}) });
    const sandbox = sandboxOn(fake);
    await sandbox.inspect(theJob);
    expect(await sandbox.remove(theJob, { wait: false })).toEqual({ started: true });
    expect(fake.asked.map(({ method }) => method)).toEqual(['GET', 'DELETE']);
  });

  test('asks nothing when it is repeated, and a start afterwards is absent', async () => {
    await using fake = await routed({ [remove]: shows({}) });
    const sandbox = sandboxOn(fake);
    await sandbox.remove(theJob, { wait: false });
    expect(await sandbox.remove(theJob, { wait: false })).toEqual({ started: null });
    const input = { code: Buffer.from(''), stdin: new Uint8Array(), files: new Uint8Array() };
    expect(await sandbox.start(theJob, spec(), input, async () => true)).toBe('absent');
    expect(fake.asked).toHaveLength(1);
  });

  test('waits until Job and pods are gone, and notices a start in the last moment', async () => {
    const looks = [[pending], [pending], [ended], []];
    let gone = 0;
    await using fake = await routed({
      [pods]: (response) => reply(response, 200, list(looks.shift() ?? [])),
      [remove]: shows({}),
      [read]: (response) => {
        gone += 1;
        if (gone < 4) reply(response, 200, job(name, 'j'));
        else refuse(response, 404, 'NotFound');
      },
    });
    expect(await sandboxOn(fake).remove(theJob, { wait: true })).toEqual({ started: true });
    expect(deletion(fake)).toMatchObject({ preconditions: { uid: 'j' }, propagationPolicy: 'Foreground' });
    expect(gone).toBe(4);
  });

  test('waits for the pods of a Job that somebody else deleted', async () => {
    const looks = [[pending], [pending], []];
    await using fake = await routed({ [pods]: (response) => reply(response, 200, list(looks.shift() ?? [])) });
    expect(await sandboxOn(fake).remove(theJob, { wait: true })).toEqual({ started: false });
    expect(looks).toEqual([]);
  });

  test('does not say of a pod that went from its node between two looks that it never started', async () => {
    const onNode = { ...pending, spec: { nodeName: 'node' } };
    const looks = [[onNode], [onNode], []];
    await using fake = await routed({ [pods]: (response) => reply(response, 200, list(looks.shift() ?? [])) });
    expect(await sandboxOn(fake).remove(theJob, { wait: true })).toEqual({ started: null });
  });

  test('has seen that a pod without an image never started', async () => {
    const state = { waiting: { reason: 'ImagePullBackOff', message: '' } };
    const status = { phase: 'Pending', containerStatuses: [{ state }] };
    const onNode = { ...pending, spec: { nodeName: 'node' } };
    const looks = [[{ ...onNode, status }], [onNode], []];
    await using fake = await routed({ [pods]: (response) => reply(response, 200, list(looks.shift() ?? [])) });
    expect(await sandboxOn(fake).remove(theJob, { wait: true })).toEqual({ started: false });
  });

  test('has seen that a pod without its volumes never started', async () => {
    const conditions = [{ type: 'PodReadyToStartContainers', status: 'False' }];
    const bare = { ...pending, spec: { nodeName: 'node' }, status: { phase: 'Pending', conditions } };
    const looks = [[bare], [bare], []];
    await using fake = await routed({ [pods]: (response) => reply(response, 200, list(looks.shift() ?? [])) });
    expect(await sandboxOn(fake).remove(theJob, { wait: true })).toEqual({ started: false });
  });

  test('has seen that a pod which ended on its node without a start never started', async () => {
    const onNode = { ...pending, spec: { nodeName: 'node' } };
    const looks = [[onNode], [{ ...onNode, status: { phase: 'Failed' } }], []];
    await using fake = await routed({ [pods]: (response) => reply(response, 200, list(looks.shift() ?? [])) });
    expect(await sandboxOn(fake).remove(theJob, { wait: true })).toEqual({ started: false });
  });

  test('does not wait for a pod of a stranger that wears our labels', async () => {
    const stranger = { ...pending, metadata: { ...pending.metadata, ownerReferences: [] } };
    await using fake = await routed({ [pods]: shows(list([stranger])), [remove]: shows({}) });
    expect(await sandboxOn(fake).remove(theJob, { wait: true })).toEqual({ started: null });
  });

  test.each([
    [
      'had a pod that is gone',
      { status: { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'x' }] } },
      null,
    ],
    ['is being deleted already', { metadata: { deletionTimestamp: startedAt } }, null],
    ['never had a pod', {}, false],
  ])('of a Job that %s', async (_what, more, started) => {
    let isDeleted = false;
    await using fake = await routed({
      [pods]: shows(list([])),
      [remove]: (response) => {
        isDeleted = true;
        reply(response, 200, {});
      },
      [read]: (response) =>
        isDeleted ? refuse(response, 404, 'NotFound') : reply(response, 200, job(name, 'j', more)),
    });
    expect(await sandboxOn(fake).remove(theJob, { wait: true })).toEqual({ started });
  });

  test('leaves another Job of that name alone', async () => {
    await using fake = await routed({
      [pods]: shows(list([])),
      [remove]: (response) => refuse(response, 409, 'Conflict', 'the UID in the precondition does not match'),
      [read]: shows(job(name, 'other')),
    });
    expect(await sandboxOn(fake).remove(theJob, { wait: true })).toEqual({ started: null });
  });

  test('throws when the delete is refused', async () => {
    await using conflict = await routed({
      [pods]: shows(list([])),
      [remove]: (response) => refuse(response, 409, 'Conflict', 'try again'),
      [read]: shows(job(name, 'j')),
    });
    await expect(sandboxOn(conflict).remove(theJob, { wait: false })).rejects.toThrow(
      'cannot delete the Job: try again',
    );
  });
});
