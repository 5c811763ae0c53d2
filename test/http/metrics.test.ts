import { expect, test } from 'vitest';
import { prometheus } from '../../src/telemetry/prometheus.ts';
import { startTelemetry } from '../../src/telemetry/start.ts';
import { hello, place, post, serve } from './serving.ts';

const apiKey = 'k'.repeat(32);

test('GET /metrics tells a holder of the key what has ended, in the text format of Prometheus', async () => {
  const { reader, text } = prometheus();
  await startTelemetry('test', {}, [reader]);
  const { executor, close } = await place().start();
  await using server = await serve(executor, { apiKey, metrics: text });
  const authorization = `Bearer ${apiKey}`;
  const answer = await post(new URL('/v1/executions', server.url), hello, { authorization, prefer: 'wait=10' });
  expect(answer.status).toBe(200);
  const url = new URL('/metrics', server.url);
  const response = await fetch(url, { headers: { authorization } });
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4');
  expect(await response.text()).toMatch(
    /^gke_code_executor_executions_total\{state="SUCCEEDED",fault="none",language="python".*\} 1$/m,
  );
  expect((await fetch(url)).status).toBe(401);
  const refused = await fetch(url, { method: 'POST', headers: { authorization } });
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  await close();
});

test('without metrics there is nothing at /metrics', async () => {
  await using server = await serve(place().recording());
  expect((await fetch(new URL('/metrics', server.url))).status).toBe(404);
});
