import { expect, test } from 'vitest';
import { cancel } from '../../src/pipeline/cancel.ts';
import { launch } from '../../src/pipeline/launch.ts';
import { launcher } from '../../src/pipeline/launcher.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { memorySandbox } from '../../src/sandbox/memory.ts';
import { world } from './world.ts';

const second = 'time.sleep(1)\nprint("done")';
const burst = 30;
/** Milliseconds that an API server takes for a request. */
const requestMs = 20;

/** A burst of accepted executions, and functions that count the Jobs they ask for. */
async function afterBurst() {
  const w = world();
  const posted: string[] = [];
  const read: string[] = [];
  const instance = (): Ports => {
    const ports = w.ports();
    const around: NonNullable<Parameters<typeof memorySandbox>[0]['around']> = async ({ method }, effect) => {
      await w.clock.sleep(requestMs);
      if (method === 'createJob') posted.push(method);
      return effect();
    };
    const { executions } = ports.store;
    const get: typeof executions.get = (id) => {
      read.push(id);
      return executions.get(id);
    };
    return {
      ...ports,
      store: { ...ports.store, executions: { ...executions, get } },
      sandbox: memorySandbox({ cluster: w.cluster, installation: 'aaaaaaaa', namespaceUid: 'ns', around }),
    };
  };
  const submitting = w.ports();
  const ids: string[] = [];
  for (let index = 0; index < burst; index++) {
    ids.push(await w.submit(submitting, second));
    await w.clock.pass(1);
  }
  /** Rings for every execution, each time at the next of the instances, and waits until all bells are answered. */
  const ring = async (...instances: readonly Ports[]) => {
    const handlers = instances.map(launcher);
    const answers = Promise.all(
      ids.map(async (executionId, index) => handlers[index % handlers.length]?.({ executionId })),
    );
    let over = false;
    void answers.then(() => {
      over = true;
    });
    await w.clock.until(() => over);
    await answers;
  };
  return { w, ids, posted, read, instance, ring };
}

test('thirty bells at once ask for thirty Jobs', async () => {
  const { w, ids, posted, read, instance, ring } = await afterBurst();
  await ring(instance());
  expect(posted).toHaveLength(burst);
  for (const id of ids) expect((await w.get(id)).state).not.toBe('ACCEPTED');
  expect(read.length).toBeLessThanOrEqual(2 * burst);
});

test('instances that walk side by side skip what another has launched', async () => {
  const { ids, posted, w, instance, ring } = await afterBurst();
  await ring(instance(), instance(), instance());
  expect(posted.length).toBeLessThanOrEqual(2 * burst);
  for (const id of ids) expect(w.starts(id)).toBeLessThanOrEqual(1);
});

test('what was cancelled while others were launched is not asked for', async () => {
  const { w, ids, posted, instance, ring } = await afterBurst();
  const last = ids.at(-1) ?? '';
  w.clock.setTimeout(() => {
    void cancel(w.ports(), last);
  }, 10 * requestMs);
  await ring(instance());
  expect(posted).toHaveLength(burst - 1);
});

test('one small execution costs no more reads than its bell', async () => {
  const w = world();
  const ports = w.ports();
  const id = await w.submit(ports, second);
  const read: string[] = [];
  const { executions } = ports.store;
  const get: typeof executions.get = (asked) => {
    read.push(asked);
    return executions.get(asked);
  };
  await launcher({ ...ports, store: { ...ports.store, executions: { ...executions, get } } })({ executionId: id });
  expect(read).toEqual([id]);
});

test('a bell that rings during a walk is answered by a walk that began after it', async () => {
  const w = world();
  const ports = w.ports();
  const launching = launcher(ports);
  const first = launching({ executionId: 'any' });
  const id = await w.submit(ports, second);
  await Promise.all([first, launching({ executionId: id })]);
  expect((await w.get(id)).state).not.toBe('ACCEPTED');
});

/** A sandbox that cannot make the Jobs of some executions. */
const failing = (sandbox: Ports['sandbox'], fails: (id: string) => boolean): Ports['sandbox'] => ({
  ...sandbox,
  create: async (spec) => {
    if (fails(spec.executionId)) throw new Error('the webhook of its image does not answer');
    return sandbox.create(spec);
  },
});

test('one whose Job cannot be made holds up none behind it, and its error rings again', async () => {
  const w = world();
  const ports = w.ports();
  const [first = '', ...others] = [await w.submit(ports, second), await w.submit(ports, second)];
  const sandbox = failing(ports.sandbox, (id) => id === first);
  const rung = launcher({ ...ports, sandbox })({ executionId: first });
  await Promise.all([expect(rung).rejects.toThrow('webhook'), w.clock.pass(1_000)]);
  expect((await w.get(first)).state).toBe('ACCEPTED');
  for (const id of others) expect((await w.get(id)).state).toBe('LAUNCHING');
});

test('a cluster that makes no Job at all is asked for three', async () => {
  const w = world();
  const ports = w.ports();
  const ids = [];
  for (let index = 0; index < 10; index++) ids.push(await w.submit(ports, second));
  let asked = 0;
  const sandbox = failing(ports.sandbox, () => {
    asked += 1;
    return true;
  });
  const rung = launcher({ ...ports, sandbox })({ executionId: ids[0] ?? '' });
  await Promise.all([expect(rung).rejects.toThrow('webhook'), w.clock.pass(1_000)]);
  expect(asked).toBe(3);
});

test('when the queue cannot be read on, what has begun is ended before that is said', async () => {
  const w = world();
  const ports = w.ports();
  const ids = [await w.submit(ports, second), await w.submit(ports, second)];
  let isStarted = false;
  const sandbox: Ports['sandbox'] = {
    ...ports.sandbox,
    create: async (spec) => {
      await w.clock.sleep(100);
      return ports.sandbox.create(spec);
    },
    start: async (...given) => {
      await w.clock.sleep(5_000);
      isStarted = true;
      return ports.sandbox.start(...given);
    },
  };
  const get = async () => Promise.reject(new Error('the store is away'));
  const store = { ...ports.store, executions: { ...ports.store.executions, get } };
  const rung = launch({ ...ports, store, sandbox }).catch((error: Error) => `${error.message}, ${isStarted}`);
  await w.clock.pass(10_000);
  expect([await rung, (await w.get(ids[0] ?? '')).state]).toEqual(['the store is away, true', 'LAUNCHING']);
});
