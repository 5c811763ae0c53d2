import { ReadableStream } from 'node:stream/web';
import type { Executor } from '../executor.ts';
import type { Resource } from '../resource.ts';
import { answerError, type OnError } from './problem.ts';
import { entityTag } from './representation.ts';
import { settle } from './settle.ts';

/** Seconds after which a comment is sent where nothing changes, so that nothing between takes the connection for dead. */
const heartbeatSeconds = 15;

interface EventStreamOptions {
  /** Tag of what the caller has heard last; it is not sent again. */
  readonly known: string | undefined;
  /** Any abort ends the stream. */
  readonly signals: readonly AbortSignal[];
  readonly onError: OnError;
}

/**
 * The changes of an execution as `text/event-stream`: each event is called `execution`, carries the resource, and has
 * its entity tag as id. Changes that follow quickly are joined; the last one is never lost and ends the stream.
 * An event called `problem` says that the server failed and the stream ended before its time.
 */
export function eventStream(executor: Executor, id: string, options: EventStreamOptions): ReadableStream<Uint8Array> {
  return ReadableStream.from(guarded(frames(executor, id, options), options.onError)).pipeThrough(
    new TextEncoderStream(),
  );
}

/** The status line is long gone when something fails, so the problem document travels as an event. */
async function* guarded(inner: AsyncIterable<string>, onError: OnError): AsyncGenerator<string> {
  try {
    yield* inner;
  } catch (error) {
    yield `event: problem\ndata: ${await answerError(error, onError).text()}\n\n`;
  }
}

async function* frames(executor: Executor, id: string, options: EventStreamOptions): AsyncGenerator<string> {
  const { known, signals } = options;
  const isNews = (seen: Resource) => entityTag(seen, { output: false }) !== last;
  let last = known;
  while (!signals.some(({ aborted }) => aborted)) {
    const now = await settle(executor, id, { seconds: heartbeatSeconds, until: isNews, signals });
    if (now === undefined) return;
    const tag = entityTag(now, { output: false });
    yield tag === last ? ': nothing new\n\n' : `event: execution\nid: ${tag}\ndata: ${JSON.stringify(now)}\n\n`;
    last = tag;
    if (now.done) return;
  }
}
