export interface ServerSentEvent {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** Reads server-sent events until the stream ends or `enough` says so, and then breaks the connection. */
export async function sseEvents(
  url: string,
  headers: Readonly<Record<string, string>>,
  enough: (events: readonly ServerSentEvent[]) => boolean,
): Promise<readonly ServerSentEvent[]> {
  const over = new AbortController();
  const response = await fetch(url, { headers, signal: AbortSignal.any([over.signal, AbortSignal.timeout(60_000)]) });
  if (response.status !== 200 || response.body === null) throw new Error(`HTTP ${response.status}`);
  const events: ServerSentEvent[] = [];
  let rest = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      if (!block.startsWith(':')) events.push({ event: field('event'), id: field('id'), data: field('data') });
      if (enough(events)) {
        over.abort();
        return events;
      }
    }
  }
  return events;
}
