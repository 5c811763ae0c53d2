import { Agent } from 'node:http';
import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../../src/errors.ts';
import { kubernetesApi } from '../../../src/sandbox/kubernetes/api.ts';
import { listAll } from '../../../src/sandbox/kubernetes/namespace.ts';
import { objectSchema } from '../../../src/sandbox/kubernetes/objects.ts';
import { fakeApi, job, list, refuse, reply } from './fake-api.ts';

describe('kubernetesApi', () => {
  test('sends method, query and JSON, and returns status and body whatever they are', async () => {
    await using fake = await fakeApi(({ body }, response) => reply(response, 418, { heard: JSON.parse(body) }));
    const answer = await fake.api.send({ method: 'POST', path: '/a/b', query: { x: 'y z' }, body: { é: 1 } });
    expect(answer).toEqual({ status: 418, body: { heard: { é: 1 } } });
    expect(fake.asked[0]?.method).toBe('POST');
    expect(fake.asked[0]?.query.get('x')).toBe('y z');
  });

  test('asks again for each kept connection that the server closed meanwhile', async () => {
    const kept = new Set<unknown>();
    await using fake = await fakeApi(({ path }, response, request) => {
      if (path === '/after' && kept.has(request.socket)) request.socket.resetAndDestroy();
      else {
        kept.add(request.socket);
        setTimeout(() => reply(response, 200, {}), 20);
      }
    });
    await Promise.all([1, 2, 3].map(() => fake.api.send({ method: 'GET', path: '/before' })));
    expect(kept.size).toBe(3);
    expect(await fake.api.send({ method: 'GET', path: '/after' })).toEqual({ status: 200, body: {} });
    expect(fake.asked).toHaveLength(3 + 3 + 1);
  });

  test('says that the cluster cannot be reached when a new connection is reset', async () => {
    await using fake = await fakeApi((_asked, _response, request) => void request.socket.resetAndDestroy());
    const error = await fake.api.send({ method: 'GET', path: '/' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(String(error)).toMatch(/cannot reach the cluster at http:\/\/127.* \(socket hang up|ECONNRESET/);
  });

  test('says that the cluster cannot be reached when the answer breaks off', async () => {
    await using fake = await fakeApi((_asked, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{');
      setTimeout(() => response.destroy(), 20);
    });
    await expect(fake.api.send({ method: 'GET', path: '/' })).rejects.toThrow(UnavailableError);
  });

  test('says where nothing listens and how to look', async () => {
    const agent = new Agent();
    const api = kubernetesApi({ server: 'http://127.0.0.1:1', credentials: async () => ({ headers: {}, agent }) });
    await expect(api.send({ method: 'GET', path: '/' })).rejects.toThrow(
      /cannot reach the cluster at http:\/\/127\.0\.0\.1:1 \(connect ECONNREFUSED 127\.0\.0\.1:1\): check .*kubectl cluster-info/,
    );
  });

  test('keeps an abort of the caller what it is', async () => {
    await using fake = await fakeApi(() => {});
    const signal = AbortSignal.timeout(20);
    const error = await fake.api.send({ method: 'GET', path: '/', signal }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: expect.stringMatching(/AbortError|UnavailableError/) });
  });

  test('a stream that falls silent is ended', async () => {
    await using fake = await fakeApi((_asked, response) => {
      response.writeHead(200).write('one');
    });
    const response = await fake.api.open({ method: 'GET', path: '/' }, 100);
    const read = async () => {
      for await (const _ of response) {
        // Only the end matters.
      }
    };
    await expect(read()).rejects.toThrow();
  });
});

describe('listAll', () => {
  const named = (uid: string) => job(uid, uid);

  test('reads page after page', async () => {
    await using fake = await fakeApi(({ query }, response) => {
      const next = query.get('continue');
      reply(response, 200, next === null ? list([named('a')], '7', 'more') : list([named('b')], '7'));
    });
    const { items, resourceVersion } = await listAll(fake.api, '/jobs', objectSchema, { labelSelector: 'a=b' });
    expect(items.map(({ metadata }) => metadata.uid)).toEqual(['a', 'b']);
    expect(resourceVersion).toBe('7');
    expect(fake.asked.map(({ query }) => [query.get('labelSelector'), query.get('limit')])).toEqual([
      ['a=b', '200'],
      ['a=b', '200'],
    ]);
  });

  test('begins anew when the list changed too much between two pages', async () => {
    let pages = 0;
    await using fake = await fakeApi(({ query }, response) => {
      pages += 1;
      if (pages === 2) refuse(response, 410, 'Expired');
      else
        reply(
          response,
          200,
          query.has('continue') ? list([named('c')]) : list([named('a')], '1', pages < 3 ? 'x' : ''),
        );
    });
    const { items } = await listAll(fake.api, '/jobs', objectSchema, {});
    expect(items.map(({ metadata }) => metadata.uid)).toEqual(['a']);
  });

  test('throws what was refused', async () => {
    await using fake = await fakeApi((_asked, response) => refuse(response, 500, 'InternalError', 'etcd is away'));
    await expect(listAll(fake.api, '/x/jobs', objectSchema, {})).rejects.toThrow('cannot list jobs: etcd is away');
  });
});
