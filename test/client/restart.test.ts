import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { httpExecutor } from '../../src/client/client.ts';
import type { Executor } from '../../src/executor.ts';
import { hasty, hello, place, serve } from '../http/serving.ts';

const behaviour = { hello: { stdout: 'hello\n' }, slow: { stdout: 'slow\n', durationMs: 1_500 } };

/** Does the work and loses the answer, as a process does that dies right after its commit. */
function mute(executor: Executor, died: () => void): Executor {
  return {
    ...executor,
    submit: async (...given) => {
      await executor.submit(...given);
      died();
      return new Promise<never>(() => {});
    },
  };
}

test("a server that dies with the answer leaves one execution, which is the caller's", async () => {
  const { start, store } = place(behaviour);
  const first = await start();
  const death = Promise.withResolvers<void>();
  const dying = await serve(mute(first.executor, death.resolve), { patience: { ...hasty, closingMs: 1 } });
  const client = httpExecutor({ server: dying.url });
  await client.list({ limit: 1 });

  const submission = client.submit(hello, {});
  await death.promise;
  await dying.close();
  await first.close();
  await sleep(400);
  const second = await start();
  await using _ = await serve(second.executor, { port: Number(dying.url.port) });

  const { execution, created } = await submission;
  expect(created).toBe(true);
  expect(await client.wait(execution.id, 20)).toMatchObject({ state: 'SUCCEEDED' });
  const { items } = await store.executions.query({ equal: {}, direction: 'descending', limit: 100 });
  expect(items.map(({ id }) => id)).toEqual([execution.id]);
  await second.close();
});

test('a wait outlives a restart of the server', async () => {
  const embedded = await place(behaviour).start();
  const before = await serve(embedded.executor);
  const client = httpExecutor({ server: before.url });
  const { execution } = await client.submit({ ...hello, code: 'slow' }, {});
  const seen: string[] = [];
  const waiting = client.wait(execution.id, 20, ({ state }) => seen.push(state));
  await expect.poll(() => seen).toContain('RUNNING');
  await before.close();
  await sleep(300);
  await using _ = await serve(embedded.executor, { port: Number(before.url.port) });
  expect(await waiting).toMatchObject({ state: 'SUCCEEDED' });
  await embedded.close();
});
