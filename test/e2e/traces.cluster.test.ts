import { expect, test, vi } from 'vitest';
import { resourceSchema } from '../../src/resource.ts';
import { describeCloud } from './cloud.ts';
import { otlpReceiver, type ReceivedSpan } from './otlp-receiver.ts';

const minutes = 60_000;
const code = 'import os, sys\nprint("canary-output", sys.argv, os.environ["A"], sys.stdin.read())\n"canary-code"';
const steps = [
  ...['submit execution', 'launch execution', 'create Job', 'start execution', 'create ConfigMap', 'store launched'],
  ...['complete execution', 'read log', 'store ended', 'delete Job'],
];
/** What spans may tell; clients of Google would tell more. */
const tellable = new Set([
  ...['executionId', 'state', 'language', 'outcome', 'error.type'],
  ...['http.request.method', 'http.response.status_code'],
]);

await describeCloud('telemetry of the functions', (start) => {
  test(
    'puts an execution into one trace from its request to its end, and tells nothing of its code and output',
    async () => {
      await using receiver = await otlpReceiver();
      const { cloud, executor, apiKey, lines } = await start({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } });
      const traceId = '0af7651916cd43dd8448eb211c80319c';
      const response = await fetch(`${cloud.functions.api.url}/v1/executions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${apiKey}`,
          'content-type': 'application/json',
          traceparent: `00-${traceId}-b7ad6b7169203331-01`,
        },
        body: JSON.stringify({
          language: 'python',
          code,
          args: ['canary-argument'],
          env: { A: 'canary-env' },
          stdinBase64: Buffer.from('canary-stdin').toString('base64'),
        }),
      });
      expect(response.status).toBe(202);
      const { id } = resourceSchema.parse(await response.json());
      // Sent before the request was answered: nothing of a function can be relied upon afterwards.
      expect(receiver.spans.map(({ name }) => name)).toContain('api');
      expect(await executor.wait(id, 60)).toMatchObject({ state: 'SUCCEEDED' });
      const own = () => receiver.spans.filter(({ attributes }) => attributes['executionId'] === id);
      const names = () => own().map(({ name }) => name);
      await vi.waitFor(() => expect(names()).toEqual(expect.arrayContaining(steps)), { timeout: 20_000 });
      await vi.waitFor(() => expect(receiver.metrics).toContain('gke_code_executor.executions'), { timeout: 20_000 });
      expect(new Set(own().map((span) => span.traceId))).toEqual(new Set([traceId]));
      for (const span of own()) expect(pathOf(span, receiver.spans).at(-1)).toBe('api');
      const ending = own().find(({ name }) => name === 'store ended');
      expect(ending?.attributes).toEqual({ executionId: id, state: 'SUCCEEDED', language: 'python' });
      expect(receiver.metrics).toContain('gke_code_executor.execution.duration');
      const told = receiver.spans.flatMap(({ attributes }) => Object.keys(attributes));
      expect(told.filter((key) => !tellable.has(key))).toEqual([]);
      expect(receiver.bodies.filter((body) => body.includes('canary'))).toEqual([]);
      expect(lines.filter((line) => line.includes('canary') || !line.includes('"severity"'))).toEqual([]);
    },
    3 * minutes,
  );
});

/** Names from a span up to the oldest ancestor that was sent. */
function pathOf(span: ReceivedSpan, all: readonly ReceivedSpan[]): string[] {
  const parent = all.find(({ spanId }) => spanId === span.parentSpanId);
  return [span.name, ...(parent === undefined ? [] : pathOf(parent, all))];
}
