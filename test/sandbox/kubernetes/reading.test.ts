import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { unpackFiles } from '../../../src/execution/files.ts';
import { type FakeApi, job, list, pod, refuse } from './fake-api.ts';
import {
  ended,
  events,
  jobPath,
  pending,
  pods,
  type Routes,
  routed,
  sandboxOn,
  shows,
  startedAt,
  theJob,
} from './routed.ts';
import { installationId, name, spec } from './specs.ts';

describe('inspect', () => {
  test('asks for our pods of that uid, and no further when there is one', async () => {
    await using fake = await routed({ [pods]: shows(list([ended])) });
    expect(await sandboxOn(fake).inspect(theJob)).toMatchObject({ kind: 'ended' });
    expect(fake.asked).toHaveLength(1);
    expect(fake.asked[0]?.query.get('labelSelector')).toBe(
      `gke-code-executor/installation=${installationId},batch.kubernetes.io/controller-uid=j`,
    );
  });

  test.each([
    [
      'the Job of that uid',
      job(name, 'j', { status: { conditions: [{ type: 'Complete', status: 'True' }] } }),
      'ended',
    ],
    ['another Job of that name', job(name, 'other'), 'absent'],
  ])('without a pod asks %s', async (_what, found, kind) => {
    await using fake = await routed({ [pods]: shows(list([])), [jobPath]: shows(found) });
    expect(await sandboxOn(fake).inspect(theJob)).toMatchObject({ kind });
  });

  test('is absent without pod and Job', async () => {
    await using fake = await routed({ [pods]: shows(list([])) });
    expect(await sandboxOn(fake).inspect(theJob)).toEqual({ kind: 'absent' });
  });

  test('asks the events of a pod that does not move, and of a Job that gets none', async () => {
    const warning = { type: 'Warning', reason: 'FailedMount', message: 'no such ConfigMap', lastTimestamp: startedAt };
    await using stuck = await routed({ [pods]: shows(list([pending])), [events]: shows(list([warning])) });
    expect(await sandboxOn(stuck).inspect(theJob)).toMatchObject({ waiting: { reason: 'Mount', curable: true } });
    expect(stuck.asked[1]?.query.get('fieldSelector')).toBe('involvedObject.uid=p,type=Warning');

    const refused = { ...warning, reason: 'FailedCreate', message: 'violates PodSecurity: forbidden' };
    await using podless = await routed({
      [pods]: shows(list([])),
      [jobPath]: shows(job(name, 'j')),
      [events]: shows(list([refused])),
    });
    expect(await sandboxOn(podless).inspect(theJob)).toMatchObject({
      waiting: { reason: 'PodCreation', curable: false },
    });
    expect(podless.asked[2]?.query.get('fieldSelector')).toBe('involvedObject.uid=j,type=Warning');
  });

  test('does without the events for an identity that may not read them, and throws for any other refusal', async () => {
    const refusing = (code: number, reason: string, message: string) =>
      routed({
        [pods]: shows(list([pending])),
        [events]: (response) => refuse(response, code, reason, message),
      });
    await using narrow = await refusing(403, 'Forbidden', 'User "u" cannot list resource "events" in API group ""');
    expect(await sandboxOn(narrow).inspect(theJob)).toMatchObject({ waiting: { reason: 'Starting' } });
    await using busy = await refusing(429, 'TooManyRequests', 'slow down');
    await expect(sandboxOn(busy).inspect(theJob)).rejects.toThrow('cannot list events: slow down');
  });

  test('does not ask the events about what is new', async () => {
    const fresh = pod('p', 'j', { phase: 'Pending' }, {}, { creationTimestamp: new Date().toISOString() });
    await using fake = await routed({ [pods]: shows(list([fresh])) });
    expect(await sandboxOn(fake).inspect(theJob)).toMatchObject({ waiting: { reason: 'Starting' } });
    expect(fake.asked).toHaveLength(1);
  });
});

describe('output', () => {
  const log = `${pods}/pod-p/log`;
  const frames = '\x01ohello\x10n\n\x01eoops\n';
  const final =
    '\x01f{"exit":{"code":0},"timedOut":false,"durationMs":12,"stdout":{"totalBytes":6,"keptBytes":6},"stderr":{"totalBytes":4,"keptBytes":4},"fileBytes":0,"omittedFiles":0}\n';
  const output = async (fake: FakeApi) => {
    const { stdout, stderr, complete, report } = await sandboxOn(fake).output(theJob, spec());
    return {
      stdout: Buffer.from(stdout.bytes).toString(),
      stderr: Buffer.from(stderr.bytes).toString(),
      complete,
      report,
    };
  };
  const whole = { stdout: 'hello\n', stderr: 'oops', complete: true, report: { signal: null, durationMs: 12 } };
  const nothing = { stdout: '', stderr: '', complete: false, report: null };
  const withLog = (route: Routes[string], of: object = ended) => routed({ [pods]: shows(list([of])), [log]: route });

  test('takes the streams out of the log, asked for as bytes up to a bound', async () => {
    await using fake = await withLog((response) => response.end(frames + final));
    expect(await output(fake)).toEqual(whole);
    expect(Object.fromEntries(fake.asked[1]?.query ?? [])).toEqual({
      container: 'code-runner',
      limitBytes: '11534336',
    });
  });

  test('counts files whose names cannot come back with those that found no room', async () => {
    const packed = '\x01afile 3\x10na\0z\x10nfile 3\x10n\x1b\0z\x10nfile 3\x10n\xff\0z\x10n\n';
    const log = Buffer.from(frames + packed + final.replace('"omittedFiles":0', '"omittedFiles":2'), 'latin1');
    await using fake = await withLog((response) => response.end(log));
    const { files, omittedFiles } = await sandboxOn(fake).output(
      theJob,
      spec({ outputFiles: ['**'], maxOutputFileBytes: 9 }),
    );
    expect([unpackFiles(files).map(({ path }) => path), omittedFiles]).toEqual([['a'], 4]);
  });

  test('is partial while there is no last word', async () => {
    await using fake = await withLog((response) => response.end(frames));
    expect(await output(fake)).toEqual({ ...whole, complete: false, report: null });
  });

  test.each([
    ['no pod', routed({ [pods]: shows(list([])) })],
    ['a pod that never started', withLog((response) => response.end(frames), pending)],
    ['a pod that vanished', withLog((response) => refuse(response, 404, 'NotFound'))],
    ['a container without a log', withLog((response) => refuse(response, 400, 'BadRequest', 'is waiting to start'))],
  ])('is empty for %s', async (_what, making) => {
    await using fake = await making;
    expect(await output(fake)).toEqual(nothing);
  });

  test.each([
    'unable to retrieve container logs for containerd://0123456789abcdef',
    'failed to try resolving symlinks in path "/var/log/pods/n_p_u/code-runner/0.log": lstat …: no such file or directory',
    'failed to open log file "/var/log/pods/n_p_u/code-runner/0.log": no such file or directory',
    'container status is nil',
  ])('says that there is none when the node keeps saying so, inside a 200: %s', async (words) => {
    await using fake = await withLog((response) => response.end(words));
    expect(await output(fake)).toEqual(nothing);
    expect(fake.asked).toHaveLength(1 + 4);
  });

  type Fault = (response: ServerResponse) => void;
  test.each<[string, Fault]>([
    ['the node does not answer', (response) => refuse(response, 500, 'InternalError', 'dial tcp: timeout')],
    ['the log is not ready', (response) => response.end('unable to retrieve container logs for containerd://01')],
    [
      'the log breaks off',
      (response) => {
        response.write(frames);
        setTimeout(() => response.destroy(), 10);
      },
    ],
    ['there are too many requests', (response) => refuse(response, 429, 'TooManyRequests')],
  ])('tries again when %s', async (_what, fault) => {
    let reads = 0;
    await using fake = await withLog((response) => {
      reads += 1;
      if (reads === 1) fault(response);
      else response.end(frames + final);
    });
    expect(await output(fake)).toEqual(whole);
  });

  test('throws in the end, to be tried again later, when the node never answers', async () => {
    await using fake = await withLog((response) => refuse(response, 500, 'InternalError', 'dial tcp: timeout'));
    await expect(output(fake)).rejects.toThrow('cannot read the log: dial tcp: timeout');
  });

  test('reads no more than its bound of a log without end', async () => {
    const block = Buffer.alloc(1 << 20, 0x61);
    await using fake = await withLog((response) => {
      const more = () => {
        while (response.write(block)) {
          // Until the socket is full.
        }
      };
      response.on('drain', more);
      more();
    });
    const { stdout } = await sandboxOn(fake).output(theJob, spec());
    expect(stdout.bytes.length).toBe(spec().request.maxStdoutBytes);
  });
});

describe('list', () => {
  test('names every Job of the installation', async () => {
    const labelled = (uid: string, id: string) =>
      job(`run-${id}`, uid, { metadata: { labels: { 'gke-code-executor/execution': id } } });
    await using fake = await routed({
      '/apis/batch/v1/namespaces/ns/jobs': shows(list([labelled('a', 'x'), labelled('b', 'y')])),
    });
    expect(await sandboxOn(fake).list()).toEqual([
      { executionId: 'x', jobUid: 'a' },
      { executionId: 'y', jobUid: 'b' },
    ]);
    expect(fake.asked[0]?.query.get('labelSelector')).toBe(`gke-code-executor/installation=${installationId}`);
  });
});
