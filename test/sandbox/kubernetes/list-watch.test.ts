import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { listWatch } from '../../../src/sandbox/kubernetes/list-watch.ts';
import { objectSchema } from '../../../src/sandbox/kubernetes/objects.ts';
import { type Asked, type FakeApi, fakeApi, job, list, refuse, reply } from './fake-api.ts';

const timing = { lengthMs: 1000, silenceMs: 150, pauseMs: 5 };

const named = (uid: string, resourceVersion: string) => job(uid, uid, { metadata: { resourceVersion } });
const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

type OnWatch = (response: ServerResponse, asked: Asked, turn: number) => void;

/** A server whose lists show a new object each time, and whose watches do what the test says. */
async function server(onWatch: OnWatch): Promise<FakeApi> {
  let lists = 0;
  let watches = 0;
  return fakeApi((asked, response) => {
    if (asked.query.get('watch') === null) {
      lists += 1;
      reply(response, 200, list([named(`listed-${lists}`, '1')], `${lists}00`));
    } else {
      watches += 1;
      onWatch(response, asked, watches);
    }
  });
}

/** Watches until something of that text was seen; resolves to all that was, in order. What is reported goes to `errors`. */
async function until(fake: FakeApi, wanted: string, errors: unknown[] = []): Promise<readonly string[]> {
  const seen: string[] = [];
  const ending = new AbortController();
  const note = (what: string) => {
    seen.push(what);
    if (what === wanted) ending.abort();
  };
  await listWatch(
    { api: fake.api, path: '/jobs', labelSelector: 'a=b', schema: objectSchema, timing },
    {
      replaced: (items) => note(`all ${items.map(({ metadata }) => metadata.uid).join()}`),
      changed: ({ metadata }) => note(`changed ${metadata.uid}`),
      deleted: ({ metadata }) => note(`deleted ${metadata.uid}`),
    },
    ending.signal,
    (error) => errors.push(error),
  );
  return seen;
}

test('reports the list, then what changes, asking from the version of the list on', async () => {
  await using fake = await server((response) => {
    response.write(line('ADDED', named('a', '101')) + line('MODIFIED', named('a', '102')));
    response.write(line('BOOKMARK', { metadata: { resourceVersion: '105' } }));
    response.write(line('DELETED', named('a', '106')));
  });
  expect(await until(fake, 'deleted a')).toEqual(['all listed-1', 'changed a', 'changed a', 'deleted a']);
  const watch = fake.asked.find(({ query }) => query.has('watch'))?.query;
  expect(Object.fromEntries(watch ?? [])).toEqual({
    watch: 'true',
    labelSelector: 'a=b',
    resourceVersion: '100',
    allowWatchBookmarks: 'true',
    timeoutSeconds: '1',
  });
});

test('puts together an event that arrives in pieces, cut within a character', async () => {
  await using fake = await server((response) => {
    const bytes = Buffer.from(line('ADDED', named('é', '101')));
    const cut = bytes.indexOf(0xc3) + 1;
    response.write(bytes.subarray(0, cut));
    setTimeout(() => response.write(bytes.subarray(cut)), 20);
  });
  expect(await until(fake, 'changed é')).toEqual(['all listed-1', 'changed é']);
});

test('goes on from the last version, a bookmark included, when the server ends the watch in good order', async () => {
  await using fake = await server((response, asked, turn) => {
    if (turn === 1) response.end(line('BOOKMARK', { metadata: { resourceVersion: '140' } }));
    else response.write(line('ADDED', named(`from-${asked.query.get('resourceVersion')}`, '141')));
  });
  expect(await until(fake, 'changed from-140')).toEqual(['all listed-1', 'changed from-140']);
});

test.each<[string, OnWatch]>([
  ['410 in the stream', (response) => response.end(line('ERROR', { kind: 'Status', code: 410, message: 'too old' }))],
  ['410 as the answer', (response) => refuse(response, 410, 'Expired')],
  ['500', (response) => refuse(response, 500, 'InternalError')],
  [
    'a connection reset in the middle',
    (response) => {
      response.write(line('ADDED', named('a', '101')));
      setTimeout(() => response.req.socket.resetAndDestroy(), 20);
    },
  ],
  ['silence', (response) => response.writeHead(200).flushHeaders()],
  ['text that is no event', (response) => response.write('<html>\n')],
  ['an end without a word', (response) => response.writeHead(200).end()],
])('lists again after %s, which is no news', async (_what, fault) => {
  await using fake = await server((response, asked, turn) => {
    if (turn === 1) fault(response, asked, turn);
    else response.write(line('ADDED', named('after', '201')));
  });
  const errors: unknown[] = [];
  const seen = await until(fake, 'changed after', errors);
  expect(seen.filter((what) => what !== 'changed a')).toEqual(['all listed-1', 'all listed-2', 'changed after']);
  expect(errors).toEqual([]);
});

test('tries again when the list itself fails, more slowly each time', async () => {
  let lists = 0;
  const times: number[] = [];
  await using fake = await fakeApi((asked, response) => {
    if (asked.query.has('watch')) return;
    lists += 1;
    times.push(performance.now());
    if (lists < 6) refuse(response, 503, 'ServiceUnavailable');
    else reply(response, 200, list([named('there', '1')]));
  });
  expect(await until(fake, 'all there')).toEqual(['all there']);
  expect((times[5] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(0.5 * (5 + 10 + 20 + 40 + 80));
});

test('ends at once when it is told to, in the middle of a watch and of a pause', async () => {
  await using quiet = await server((response) => response.writeHead(200).flushHeaders());
  const began = performance.now();
  const errors: unknown[] = [];
  await until(quiet, 'all listed-1', errors);
  const ending = new AbortController();
  const paused = listWatch(
    { api: quiet.api, path: '/jobs', labelSelector: '', schema: objectSchema, timing: { ...timing, pauseMs: 60_000 } },
    { replaced: () => setTimeout(() => ending.abort(), 200), changed: () => {}, deleted: () => {} },
    ending.signal,
    (error) => errors.push(error),
  );
  await paused;
  expect(performance.now() - began).toBeLessThan(1000);
  expect(errors).toEqual([]);
});

const forbidden = 'jobs is forbidden: User "watch" cannot watch resource "jobs" in API group "batch"';

/** A server whose watches fail as the texts say, one after the other, and hear of a change where it says `well`. */
async function outages(...fates: readonly string[]): Promise<FakeApi> {
  return server((response, _asked, turn) => {
    const fate = fates[turn - 1];
    if (fate === undefined) response.write(line('ADDED', named('over', '900')));
    else if (fate === 'well') response.end(line('ADDED', named('well', '101')));
    else if (fate === 'alien') response.write(line('ADDED', { metadata: { resourceVersion: '101' } }));
    else if (fate === 'forbidden') refuse(response, 403, 'Forbidden', forbidden);
    else refuse(response, 500, 'InternalError', fate);
  });
}

test.each<{ what: string; fates: readonly string[]; told: readonly string[] }>([
  {
    what: 'of a missing right at once, and once, though lists work',
    fates: Array(4).fill('forbidden'),
    told: ['watch: jobs'],
  },
  { what: 'of what it does not understand at once, and once', fates: ['alien', 'alien'], told: ['uid'] },
  { what: 'of any other error when the next attempt fails too, and once', fates: ['a', 'a', 'a'], told: ['watch: a'] },
  {
    what: 'of each error that follows another',
    fates: ['a', 'b', 'b', 'forbidden', 'b'],
    told: ['watch: b', 'watch: jobs', 'watch: b'],
  },
  {
    what: 'again after something worked',
    fates: ['a', 'a', 'well', 'a', 'well', 'a', 'a', 'well', 'forbidden'],
    told: ['watch: a', 'watch: a', 'watch: jobs'],
  },
])('tells $what', async ({ fates, told }) => {
  await using fake = await outages(...fates);
  const errors: unknown[] = [];
  await until(fake, 'changed over', errors);
  expect(errors).toEqual(told.map((text) => expect.objectContaining({ message: expect.stringContaining(text) })));
});

test('tells that the cluster cannot be reached when the next attempt fails too', async () => {
  const fake = await server(() => {});
  await fake[Symbol.asyncDispose]();
  const errors: unknown[] = [];
  const ending = new AbortController();
  await listWatch(
    { api: fake.api, path: '/jobs', labelSelector: '', schema: objectSchema, timing },
    { replaced: () => {}, changed: () => {}, deleted: () => {} },
    ending.signal,
    (error) => {
      errors.push(error);
      setTimeout(() => ending.abort(), 100);
    },
  );
  expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('cannot reach the cluster') })]);
});
