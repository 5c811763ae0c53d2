import type { ReadableStream } from 'node:stream/web';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Execution, type ExecutionIn, isFinal } from '../execution/execution.ts';
import { type Stream, streams } from '../executor.ts';
import { readable, toResource } from '../resource.ts';
import type { Store } from '../store/executions.ts';
import type { OnError } from './problem.ts';
import { beating, sse } from './sse.ts';

/** Bytes of each stream that the caller has. */
export type Offsets = Readonly<Record<Stream, number>>;

export interface Printed {
  readonly stream: Stream;
  readonly bytes: Uint8Array;
}

export interface LiveOutputOptions {
  readonly store: Pick<Store, 'executions'>;
  /** What a running execution prints, each time from its first byte on; may end early. */
  readonly follow: (execution: ExecutionIn<'RUNNING'>, signal: AbortSignal) => AsyncIterable<Printed> | readonly [];
  /** What was sent before a connection broke. */
  readonly known: Offsets;
  readonly signal: AbortSignal;
  readonly onError: OnError;
}

/**
 * Milliseconds between looks at an execution that does not run yet, or whose log ended before its record did. Following
 * a log downloads all of it, so that the pause doubles while that brings nothing new.
 */
const pauses = { shortest: 500, longest: 10_000 };

/** Reads `Last-Event-ID`, the offsets after the event it names; undefined when it is none of ours. */
export function parseOffsets(eventId: string | undefined): Offsets | undefined {
  if (eventId === undefined) return { stdout: 0, stderr: 0 };
  const [, stdout, stderr] = /^(\d{1,12})-(\d{1,12})$/.exec(eventId) ?? [];
  return stdout === undefined || stderr === undefined ? undefined : { stdout: Number(stdout), stderr: Number(stderr) };
}

/**
 * What an execution prints, as server-sent events while it prints it: events `stdout` and `stderr` with the bytes in
 * `text`, or in `base64` where they are not UTF-8 by themselves, and the `offset` of the first; at last an event
 * `execution` with the resource. The id of an event is the offsets after it, so that a caller goes on where it stopped.
 */
export function liveOutput(id: string, options: LiveOutputOptions): ReadableStream<Uint8Array> {
  return sse(beating(unlessGone(frames(id, options), options.signal)), options.onError);
}

/** What fails because the caller hung up is nobody's failure. */
async function* unlessGone(inner: AsyncIterable<string>, signal: AbortSignal): AsyncGenerator<string> {
  try {
    yield* inner;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function* frames(id: string, options: LiveOutputOptions): AsyncGenerator<string> {
  const { store, follow, signal } = options;
  const sent = sender(options.known);
  let pause = pauses.shortest;
  while (!signal.aborted) {
    const execution = await store.executions.get(id);
    if (execution === undefined) return;
    if (isFinal(execution)) {
      yield* rest(execution, store, sent);
      return;
    }
    if (execution.state === 'RUNNING') {
      pause = Math.min(pause * 2, pauses.longest);
      const from = { stdout: 0, stderr: 0 };
      for await (const { stream, bytes } of follow(execution, signal)) {
        for (const event of sent(stream, from[stream], bytes)) {
          pause = pauses.shortest;
          yield event;
        }
        from[stream] += bytes.length;
      }
    }
    await sleep(pause, undefined, { signal }).catch(() => {
      // The abort is the loop's condition.
    });
  }
}

/** What the record has and the caller has not, and how it ended. */
async function* rest(execution: Execution, store: Pick<Store, 'executions'>, sent: Send): AsyncGenerator<string> {
  for (const stream of streams) {
    const bytes = await store.executions.part(execution.id, stream);
    if (bytes !== undefined) yield* sent(stream, 0, bytes);
  }
  yield `event: execution\ndata: ${JSON.stringify(toResource(execution))}\n\n`;
}

type Send = (stream: Stream, offset: number, bytes: Uint8Array) => Generator<string>;

/** Makes events of what the caller does not have yet. */
function sender(known: Offsets): Send {
  const sent = { ...known };
  return function* send(stream, offset, bytes) {
    const news = bytes.subarray(Math.max(0, sent[stream] - offset));
    if (news.length === 0) return;
    const data = { offset: sent[stream], ...readable(news, { truncated: false }) };
    sent[stream] += news.length;
    yield `event: ${stream}\nid: ${sent.stdout}-${sent.stderr}\ndata: ${JSON.stringify(data)}\n\n`;
  };
}
