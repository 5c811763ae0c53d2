import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { transition } from '../../src/execution/transitions.ts';
import type { LiveOutputOptions, Printed } from '../../src/http/live-output.ts';
import { streamApp } from '../../src/http/stream-app.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { ended, jobUid, running } from '../execution/samples.ts';
import { checkProblem } from './problems.ts';

const id = 'a'.repeat(26);
const path = `http://localhost/v1/executions/${id}/live`;
const utf8 = (text: string) => new TextEncoder().encode(text);

async function* printed(...chunks: readonly Printed[]) {
  for (const chunk of chunks) {
    await sleep(1);
    yield chunk;
  }
}

/** An app over one execution that runs, and ends with these streams once its log has been followed to the end. */
async function live(follow: LiveOutputOptions['follow'], stdout = '', stderr = '') {
  const store = memoryStore({ installation: { id: 'aaaaaaaa', secret: new Uint8Array(32) } });
  await store.executions.create({ ...running, id, pod: 'run-1' });
  const end = () =>
    store.executions.update(id, (current) => transition(current, ended(jobUid), 9_000), {
      stdout: utf8(stdout),
      stderr: utf8(stderr),
    });
  const app = streamApp({
    store,
    follow: async function* followed(execution, signal) {
      yield* follow(execution, signal);
      await end();
    },
    hosts: 'any',
    onError: () => {},
  });
  const get = async (headers: Record<string, string> = {}) => {
    const response = await app.request(path, { headers: { host: 'localhost', ...headers } });
    return { status: response.status, text: await response.text() };
  };
  return { app, get, end };
}

/** The events without the last one, which is the execution. */
function eventsIn(text: string) {
  const blocks = text.split('\n\n').filter((block) => block !== '' && !block.startsWith(':'));
  const events = blocks.map((block) => {
    const [, event, eventId, data] = /^event: (\w+)(?:\nid: (\S+))?\ndata: (.*)$/.exec(block) ?? [];
    return { event, id: eventId, data: JSON.parse(data ?? '') };
  });
  return { output: events.slice(0, -1), last: events.at(-1) };
}

/** An app over one execution that runs for ever. */
async function endless(follow: LiveOutputOptions['follow']) {
  const store = memoryStore({ installation: { id: 'aaaaaaaa', secret: new Uint8Array(32) } });
  await store.executions.create({ ...running, id, pod: 'run-1' });
  const reported: unknown[] = [];
  const onError = (error: unknown, instance: string) => void reported.push({ error, instance });
  const hangUp = new AbortController();
  const app = streamApp({ store, follow, hosts: 'any', onError });
  const request = () => app.request(path, { headers: { host: 'localhost' }, signal: hangUp.signal });
  return { store, reported, request, hangUp };
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe('live output', () => {
  test('comes as it is printed, each event with the offsets after it, and the execution at last', async () => {
    const { get } = await live(
      () => printed({ stream: 'stdout', bytes: utf8('one') }, { stream: 'stderr', bytes: utf8('e') }),
      'onetwo',
      'e',
    );
    const { output, last } = eventsIn((await get()).text);
    expect(output).toEqual([
      { event: 'stdout', id: '3-0', data: { offset: 0, text: 'one' } },
      { event: 'stderr', id: '3-1', data: { offset: 0, text: 'e' } },
      { event: 'stdout', id: '6-1', data: { offset: 3, text: 'two' } },
    ]);
    expect(last).toMatchObject({ event: 'execution', data: { id, done: true } });
  });

  test('goes on after the last event that the caller had, in the middle of a chunk too', async () => {
    const { get } = await live(() => printed({ stream: 'stdout', bytes: utf8('onetwo') }), 'onetwothree');
    const { output } = eventsIn((await get({ 'last-event-id': '4-0' })).text);
    expect(output.map(({ data }) => data)).toEqual([
      { offset: 4, text: 'wo' },
      { offset: 6, text: 'three' },
    ]);
  });

  test('of a log whose connection broke is followed again, and nothing is sent twice', async () => {
    let times = 0;
    const store = memoryStore({ installation: { id: 'aaaaaaaa', secret: new Uint8Array(32) } });
    await store.executions.create({ ...running, id, pod: 'run-1' });
    const app = streamApp({
      store,
      follow: async function* followed() {
        times += 1;
        yield* printed({ stream: 'stdout', bytes: utf8('a') }, { stream: 'stdout', bytes: utf8('b') });
        if (times < 2) return;
        await store.executions.update(id, (now) => transition(now, ended(jobUid), 9_000), { stdout: utf8('abc') });
      },
      hosts: 'any',
      onError: () => {},
    });
    const text = await (await app.request(path, { headers: { host: 'localhost' } })).text();
    expect(eventsIn(text).output.map(({ data }) => data.text)).toEqual(['a', 'b', 'c']);
    expect(times).toBe(2);
  });

  test('of a log that brings nothing new is followed less and less often, and as before once it does', async () => {
    vi.useFakeTimers({ fakeNodeBuiltins: true, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const begun: number[] = [];
    const { request, hangUp } = await endless(async function* followed() {
      begun.push(Date.now());
      yield { stream: 'stdout', bytes: utf8(begun.length > 7 ? 'ab' : 'a') };
    });
    const text = (await request()).text();
    await vi.advanceTimersByTimeAsync(45_000);
    const pauses = begun.slice(1).map((time, index) => time - (begun[index] ?? 0));
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 500, 1_000, 2_000, 4_000]);
    hangUp.abort();
    await text;
  });

  test('that is no text by itself comes as base64', async () => {
    const [first, second] = [utf8('é').subarray(0, 1), utf8('é').subarray(1)];
    const { get } = await live(() =>
      printed(
        { stream: 'stdout', bytes: first },
        { stream: 'stdout', bytes: second },
        { stream: 'stdout', bytes: utf8('\0') },
      ),
    );
    const { output } = eventsIn((await get()).text);
    expect(output.map(({ data }) => data)).toEqual([
      { offset: 0, base64: 'ww==' },
      { offset: 1, base64: 'qQ==' },
      { offset: 2, text: '\0' },
    ]);
  });

  const failures = [
    [
      'the log cannot be followed',
      async () => {
        const reason = new Error('password=hunter2');
        const { request, reported } = await endless(async function* failing() {
          yield* printed({ stream: 'stdout', bytes: utf8('a') });
          throw reason;
        });
        return { request, reported, reason };
      },
    ],
    [
      'the store fails',
      async () => {
        const reason = new Error('password=hunter2');
        const { store, request, reported } = await endless(async function* once() {
          yield* printed({ stream: 'stdout', bytes: utf8('a') });
          store.executions.get = () => Promise.reject(reason);
        });
        return { request, reported, reason };
      },
    ],
  ] as const;
  test.each(failures)('says so when %s in the middle, without the reason, which is reported', async (_, start) => {
    const { request, reported, reason } = await start();
    const { output, last } = eventsIn(await (await request()).text());
    expect(output.map(({ data }) => data.text)).toEqual(['a']);
    expect(last?.event).toBe('problem');
    const said = JSON.stringify(last?.data);
    const { instance } = checkProblem(said, 500, 'internal-error');
    expect(said).not.toContain('hunter2');
    expect(reported).toEqual([{ error: reason, instance }]);
  });

  test('shows every 15 s that the connection is alive while a program prints nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { request, hangUp } = await endless(async function* quiet(_, signal) {
      yield { stream: 'stdout', bytes: utf8('a') };
      await untilAborted(signal);
    });
    const reader = (await request()).body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toContain('event: stdout');
    for (let beat = 0; beat < 2; beat++) {
      let heard: string | undefined;
      const hearing = reader?.read().then(({ value }) => {
        heard = value;
      });
      await vi.advanceTimersByTimeAsync(14_800);
      expect(heard).toBeUndefined();
      await vi.advanceTimersByTimeAsync(300);
      await hearing;
      expect(heard).toBe(': nothing new\n\n');
    }
    hangUp.abort();
  });

  test('of a caller who hung up ends, and is no failure', async () => {
    const ended = Promise.withResolvers<void>();
    const { request, hangUp, reported } = await endless(async function* quiet(_, signal) {
      yield { stream: 'stdout', bytes: utf8('a') };
      await untilAborted(signal).finally(ended.resolve);
    });
    const text = (await request()).text();
    await sleep(20);
    hangUp.abort();
    await ended.promise;
    expect(await text).not.toContain('event: problem');
    expect(reported).toEqual([]);
  });

  test.each([
    ['an id that is none of ours', path, { 'last-event-id': 'abc' }, 400],
    ['an execution that is not there', path.replace('aaa', 'bbb'), {}, 404],
    ['an id that cannot be one', 'http://localhost/v1/executions/x/live', {}, 404],
    ['another path', 'http://localhost/', {}, 404],
    ['a page of another site', path, { origin: 'http://evil.example' }, 403],
  ])('is refused for %s', async (_what, url, headers, status) => {
    const { app } = await live(() => []);
    const response = await app.request(url, { headers: { host: 'localhost', ...headers } });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });
});
