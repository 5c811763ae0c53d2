import { createServer } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startTelemetry } from '../../src/telemetry/start.ts';
import { inSpan } from '../../src/telemetry/trace.ts';
import { portOf } from '../e2e/otlp-receiver.ts';

test('an answer does not wait long for a collector that says nothing', async () => {
  const heard: (string | undefined)[] = [];
  const server = createServer(({ url }) => void heard.push(url));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => server.closeAllConnections());
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${portOf(server.address())}`);
  const { flush } = await startTelemetry('test', process.env);
  await inSpan('seen', {}, async () => {});
  const began = performance.now();
  await flush();
  expect(performance.now() - began).toBeLessThan(3_000);
  expect(heard).toEqual(['/v1/traces']);
});
