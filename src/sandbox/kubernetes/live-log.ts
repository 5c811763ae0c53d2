import { type FrameDecoder, frameDecoder, type OutputCaps, type StreamName } from '../../supervisor/frames.ts';
import { type Api, answerOf } from './api.ts';
import { isNoLog, logRequest } from './log.ts';
import { failure, refusalOf } from './refusal.ts';

/**
 * A log that says nothing for this long may have lost its connection; the caller opens it again. That fetches all of it
 * once more, 10 MiB at most, since the API server cannot be asked to begin at a byte. Milliseconds.
 */
const silenceMs = 60_000;

export interface LiveLog {
  readonly api: Api;
  readonly namespace: string;
  readonly pod: string;
  readonly caps: OutputCaps;
  readonly signal: AbortSignal;
}

/**
 * What the program prints, as it comes, from its first byte on; ends when the container has ended, when the connection
 * breaks, and when the pod is gone. Throws what an operator must cure.
 */
export async function* followLog({ api, namespace, pod, caps, signal }: LiveLog): AsyncGenerator<{
  readonly stream: StreamName;
  readonly bytes: Uint8Array;
}> {
  const response = await api.open({ ...logRequest(namespace, pod, { follow: 'true' }), signal }, silenceMs);
  if (response.statusCode !== 200) {
    const refusal = refusalOf(await answerOf(response));
    if (refusal === undefined || refusal.kind === 'absent' || refusal.kind === 'denied') return;
    throw failure(refusal, 'follow the log');
  }
  yield* decoded(response, frameDecoder(caps));
}

async function* decoded(chunks: AsyncIterable<Buffer>, decoder: FrameDecoder) {
  let head: string | undefined;
  try {
    for await (const chunk of chunks) {
      head ??= chunk.toString('latin1');
      // The node's words about a log that it does not have are none of the program's.
      if (isNoLog(head)) return;
      yield* decoder.push(chunk);
    }
  } catch {
    // A connection that breaks is opened again by whoever still wants to know.
  }
}
