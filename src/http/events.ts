import type { ReadableStream } from 'node:stream/web';
import type { Executor } from '../executor.ts';
import type { Resource } from '../resource.ts';
import type { OnError } from './problem.ts';
import { entityTag } from './representation.ts';
import { settle } from './settle.ts';
import { heartbeat, heartbeatSeconds, sse } from './sse.ts';

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
 */
export function eventStream(executor: Executor, id: string, options: EventStreamOptions): ReadableStream<Uint8Array> {
  return sse(frames(executor, id, options), options.onError);
}

async function* frames(executor: Executor, id: string, options: EventStreamOptions): AsyncGenerator<string> {
  const { known, signals } = options;
  const isNews = (seen: Resource) => entityTag(seen, { output: false }) !== last;
  let last = known;
  while (!signals.some(({ aborted }) => aborted)) {
    const now = await settle(executor, id, { seconds: heartbeatSeconds, until: isNews, signals });
    if (now === undefined) return;
    const tag = entityTag(now, { output: false });
    yield tag === last ? heartbeat : `event: execution\nid: ${tag}\ndata: ${JSON.stringify(now)}\n\n`;
    last = tag;
    if (now.done) return;
  }
}
