import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { httpExecutor } from '../../src/client/client.ts';
import type { Resource } from '../../src/resource.ts';
import { describeCluster, follow, temporaryNamespace } from '../cluster.ts';
import { scaled } from '../scale.ts';
import { server, stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());
const minutes = 60_000;

function idOf(job: string): string {
  return job.slice(job.lastIndexOf('-') + 1);
}

await describeCluster('the queue on a real cluster', () => {
  it(
    'runs 100 submissions at once under a quota of 8: all correct, in order, none lost',
    async () => {
      const count = scaled(100);
      await using namespace = await temporaryNamespace({ jobs: 8 });
      using history = await follow(namespace.name);
      const serving = await server(['--store', state.store, '--sandbox', 'kubernetes', '--namespace', namespace.name]);
      const executor = httpExecutor({ server: new URL(serving.url) });
      const accepted = await Promise.all(
        Array.from({ length: count }, async (_, n) => {
          const { execution } = await executor.submit(
            { language: 'python', code: `print(${n} ** 2)`, startTimeoutSeconds: 1800 },
            {},
          );
          return { n, id: execution.id };
        }),
      );
      const ended: Resource[] = [];
      for (const { n, id } of accepted) {
        const execution = await executor.wait(id, 600);
        expect(execution?.state).toBe('SUCCEEDED');
        expect(Buffer.from((await executor.output(id, 'stdout')) ?? []).toString()).toBe(`${n ** 2}\n`);
        if (execution !== undefined) ended.push(execution);
      }
      await sleep(5_000);
      await serving.end('SIGTERM');
      const order = ended.toSorted((a, b) => (a.acceptedAt + a.id < b.acceptedAt + b.id ? -1 : 1));
      expect(history.jobs.map(idOf)).toEqual(order.map(({ id }) => id));
      expect(history.mostJobs()).toBeLessThanOrEqual(8);
      const overtaken = order.map(
        (execution, at) =>
          order.slice(at + 1).filter((later) => (later.endedAt ?? '') < (execution.endedAt ?? '')).length,
      );
      expect(Math.max(...overtaken)).toBeLessThanOrEqual(7);
      expect([...history.starts().values()]).toEqual(Array(count).fill(1));
      expect(await namespace.objects()).toEqual([]);
    },
    15 * minutes,
  );

  it(
    'keeps two stores on one namespace apart',
    async () => {
      await using namespace = await temporaryNamespace();
      using history = await follow(namespace.name);
      const here = ['--sandbox', 'kubernetes', '--namespace', namespace.name];
      const servers = await Promise.all([
        server(['--store', `${state.path}/one.sqlite`, ...here]),
        server(['--store', `${state.path}/two.sqlite`, ...here]),
      ]);
      const all = await Promise.all(
        servers.flatMap(({ url }) => {
          const executor = httpExecutor({ server: new URL(url) });
          return Array.from({ length: scaled(40) }, async (_, n) => {
            const { execution } = await executor.submit({ language: 'python', code: `print(${n})` }, {});
            const ended = await executor.wait(execution.id, 120);
            return { ended, n, stdout: Buffer.from((await executor.output(execution.id, 'stdout')) ?? []).toString() };
          });
        }),
      );
      for (const { ended, n, stdout } of all)
        expect({ state: ended?.state, stdout }).toEqual({ state: 'SUCCEEDED', stdout: `${n}\n` });
      await Promise.all(servers.map((serving) => serving.end('SIGTERM')));
      await sleep(2_000);
      expect([...history.starts().values()]).toEqual(Array(all.length).fill(1));
      expect(await namespace.objects()).toEqual([]);
    },
    5 * minutes,
  );

  it(
    'makes one execution and one Job of one idempotency key, however often and at once',
    async () => {
      await using namespace = await temporaryNamespace();
      using history = await follow(namespace.name);
      const serving = await server([
        '--store',
        `${state.path}/key.sqlite`,
        '--sandbox',
        'kubernetes',
        '--namespace',
        namespace.name,
      ]);
      const executor = httpExecutor({ server: new URL(serving.url) });
      const body = { language: 'python', code: 'print(1)' };
      const same = await Promise.all(
        Array.from({ length: 5 }, () => executor.submit(body, { idempotencyKey: 'the key' })),
      );
      const ids = new Set(same.map(({ execution }) => execution.id));
      expect(ids.size).toBe(1);
      for (const id of ids) expect((await executor.wait(id, 60))?.state).toBe('SUCCEEDED');
      const again = await executor.submit(body, { idempotencyKey: 'the key' });
      expect(again).toMatchObject({ created: false, execution: { state: 'SUCCEEDED' } });
      await serving.end('SIGTERM');
      expect(history.jobs).toHaveLength(1);
    },
    2 * minutes,
  );
});
