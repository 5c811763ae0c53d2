import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Message } from '@google-cloud/pubsub';
import { expect, test, vi } from 'vitest';
import { deadLetterTopic } from '../../src/bus/subscribers.ts';
import type { Executor } from '../../src/executor.ts';
import { problemIn } from '../http/problems.ts';
import { describeCloud } from './cloud.ts';
import { command } from './command.ts';
import { sseEvents } from './sse.ts';

const minutes = 60_000;
const canaries = ['canary-code', 'canary-output', 'canary-env', 'canary-stdin', 'canary-argument'];

async function stdoutOf(executor: Executor, id: string): Promise<string> {
  return Buffer.from((await executor.output(id, 'stdout')) ?? []).toString();
}

await describeCloud('the functions as they are deployed', (start) => {
  test(
    'run a program through every process, leave nothing behind, and log neither code nor output',
    async () => {
      const { cloud, namespace, history, executor, apiKey, lines } = await start();
      const { api, stream } = cloud.functions;
      const primes = await command(['run', 'examples/primes.py', '--server', api.url, '--api-key', apiKey]);
      expect(primes.stdout.toString()).toMatch(/^2 3 5 .* 47\n$/);
      expect(primes.stderr.toString()).toBe('15 primes below 50\n');
      expect(primes.code).toBe(0);
      const code =
        'import os, sys\nprint("canary-output", sys.argv, os.environ["A"], sys.stdin.read())\n"canary-code"\nsys.exit(3)';
      const { execution } = await executor.submit(
        {
          language: 'python',
          code,
          args: ['canary-argument'],
          env: { A: 'canary-env' },
          stdinBase64: Buffer.from('canary-stdin').toString('base64'),
        },
        {},
      );
      expect(await executor.wait(execution.id, 60)).toMatchObject({ state: 'FAILED', result: { exitCode: 3 } });
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` };
      const malformed = await fetch(new URL('/v1/executions', api.url), {
        method: 'POST',
        headers,
        body: '{"code": "canary-code',
      });
      await problemIn(malformed, 400, 'malformed-request');
      for (const url of [`${api.url}/v1/executions`, `${stream.url}/v1/executions/${execution.id}/live`]) {
        await problemIn(await fetch(url), 401, 'unauthorized');
      }
      expect(await stdoutOf(executor, execution.id)).toContain('canary-stdin');
      await vi.waitFor(async () => expect(await namespace.objects()).toEqual([]), { timeout: 10_000, interval: 500 });
      expect(new Set(history.starts().values())).toEqual(new Set([1]));
      for (const canary of canaries) expect(lines.filter((line) => line.includes(canary))).toEqual([]);
      for (const line of lines)
        expect(JSON.parse(line.slice(line.indexOf('{')))).toMatchObject({ severity: expect.any(String) });
    },
    3 * minutes,
  );

  test(
    'run what is published to the topic executions, once however often it is delivered',
    async () => {
      const { executor, projectId, pubsubHost, pubsub, history } = await start();
      const message = '{"language":"python","code":"print(1)"}';
      await promisify(execFile)('gcloud', ['pubsub', 'topics', 'publish', 'executions', `--message=${message}`], {
        timeout: 60_000,
        env: {
          ...process.env,
          CLOUDSDK_CORE_PROJECT: projectId,
          CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB: `http://${pubsubHost}/`,
          CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
        },
      });
      const topic = pubsub.topic('executions');
      const attributes = { language: 'python', idempotencyKey: 'same' };
      for (let n = 0; n < 10; n++) await topic.publishMessage({ data: Buffer.from('print(2)'), attributes });
      await vi.waitFor(
        async () => {
          const { executions } = await executor.list({ limit: 100 });
          expect(executions.map(({ state }) => state)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
        },
        { timeout: 60_000, interval: 500 },
      );
      const { executions } = await executor.list({ limit: 100 });
      const printed = await Promise.all(executions.map(({ id }) => stdoutOf(executor, id)));
      expect(printed.sort()).toEqual(['1\n', '2\n']);
      expect([...history.starts().values()]).toEqual([1, 1]);
    },
    3 * minutes,
  );

  test(
    'set aside what nobody can run, with the reason, and go on',
    async () => {
      const { pubsub, executor } = await start();
      const dead: Message[] = [];
      const subscription = pubsub.subscription(deadLetterTopic('executions'));
      subscription.on('message', (message: Message) => {
        dead.push(message);
        message.ack();
      });
      const topic = pubsub.topic('executions');
      await topic.publishMessage({ data: Buffer.from('{"language":"cobol"}') });
      await topic.publishMessage({ data: Buffer.from([0xff]) });
      await pubsub
        .topic('execution-requested')
        .publishMessage({ data: Buffer.from('?'), attributes: { what: 'is this' } });
      await pubsub.topic('execution-observed').publishMessage({ attributes: { executionId: 'nobody' } });
      await vi.waitFor(() => expect(dead).toHaveLength(2), { timeout: 30_000 });
      await subscription.close();
      const reasons = dead.map(({ attributes }) => attributes['reason']).sort();
      expect(reasons[0]).toMatch(/^\/language: must be one of python, javascript/);
      expect(reasons[1]).toBe('the data must be UTF-8');
      expect((await executor.list({ limit: 10 })).executions).toEqual([]);
    },
    2 * minutes,
  );

  test(
    'show output while it is printed; a caller that was cut off goes on where it stopped',
    async () => {
      const { cloud, executor, apiKey } = await start();
      const key = { authorization: `Bearer ${apiKey}` };
      const code = 'import time\nfor n in range(30):\n    print("line", n, "\\u00e9", flush=True)\n    time.sleep(0.1)';
      const { execution } = await executor.submit({ language: 'python', code }, {});
      const url = `${cloud.functions.stream.url}/v1/executions/${execution.id}/live`;
      const first = await sseEvents(url, key, (events) => events.filter(({ event }) => event === 'stdout').length >= 3);
      expect(first.at(-1)?.event).toBe('stdout');
      expect((await executor.get(execution.id))?.state).toBe('RUNNING');
      await sleep(500);
      const rest = await sseEvents(url, { ...key, 'last-event-id': first.at(-1)?.id ?? '' }, () => false);
      const bytes = [...first, ...rest]
        .filter(({ event }) => event === 'stdout')
        .map(({ data }) => {
          const { text, base64 } = JSON.parse(data);
          return text === undefined ? Buffer.from(base64, 'base64') : Buffer.from(text);
        });
      const expected = Array.from({ length: 30 }, (_, n) => `line ${n} é\n`).join('');
      expect(Buffer.concat(bytes).toString()).toBe(expected);
      const last = rest.at(-1);
      expect(last?.event).toBe('execution');
      expect(JSON.parse(last?.data ?? '')).toMatchObject({ id: execution.id, state: 'SUCCEEDED' });
    },
    2 * minutes,
  );
});
