import { afterAll, expect, test } from 'vitest';
import { httpExecutor } from '../../src/client/client.ts';
import { server, stateDirectory } from './command.ts';
import { otlpReceiver } from './otlp-receiver.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

test('serve shows at /metrics how executions ended, and sends their spans and metrics where it is told to', async () => {
  await using receiver = await otlpReceiver();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url };
  const serving = await server(['--store', `${state.path}/metrics.sqlite`], env);
  const executor = httpExecutor({ server: new URL(serving.url) });
  const code = 'console.log("canary"); process.exit(3)';
  const { execution } = await executor.submit({ language: 'javascript', code }, {});
  await executor.wait(execution.id, 30);
  const text = await (await fetch(new URL('/metrics', serving.url))).text();
  expect(text).toMatch(/^gke_code_executor_executions_total\{state="FAILED",fault="program",.* 1$/m);
  expect(text).toMatch(/^gke_code_executor_execution_start_count\{language="javascript".* 1$/m);
  await serving.end('SIGTERM');
  const own = receiver.spans.filter(({ attributes }) => attributes['executionId'] === execution.id);
  const steps = ['submit execution', 'launch execution', 'store launched', 'complete execution', 'store ended'];
  expect(own.map(({ name }) => name)).toEqual(expect.arrayContaining(steps));
  expect(new Set(own.map(({ traceId }) => traceId)).size).toBe(1);
  expect(receiver.metrics).toContain('gke_code_executor.executions');
  expect(receiver.bodies.filter((body) => body.includes('canary'))).toEqual([]);
});
