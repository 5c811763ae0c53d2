import { ReadableStream } from 'node:stream/web';
import { answerError, type OnError } from './problem.ts';

/** Seconds after which a comment is sent where nothing changes, so that nothing between takes the connection for dead. */
export const heartbeatSeconds = 15;

/** Shows that the connection is alive; clients skip it. */
export const heartbeat = ': nothing new\n\n';

/** A stream of server-sent events; one called `problem` says that the server failed and the stream ended before its time. */
export function sse(frames: AsyncIterable<string>, onError: OnError): ReadableStream<Uint8Array> {
  return ReadableStream.from(guarded(frames, onError)).pipeThrough(new TextEncoderStream());
}

/** The status line is long gone when something fails, so the problem document travels as an event. */
async function* guarded(inner: AsyncIterable<string>, onError: OnError): AsyncGenerator<string> {
  try {
    yield* inner;
  } catch (error) {
    yield `event: problem\ndata: ${await answerError(error, onError).text()}\n\n`;
  }
}

/** The same frames, and a heartbeat whenever none came for a while. */
export async function* beating(inner: AsyncIterable<string>): AsyncGenerator<string> {
  const frames = inner[Symbol.asyncIterator]();
  try {
    let next = frames.next();
    for (;;) {
      const frame = await soon(next);
      if (frame?.done) return;
      yield frame?.value ?? heartbeat;
      if (frame !== undefined) next = frames.next();
    }
  } finally {
    await frames.return?.();
  }
}

/** Undefined when it takes longer than a heartbeat. */
async function soon<T>(coming: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), heartbeatSeconds * 1000);
  try {
    return await Promise.race([coming, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
