import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { executionId } from '../../../src/execution/identity.ts';
import { cancel } from '../../../src/pipeline/cancel.ts';
import { complete } from '../../../src/pipeline/complete.ts';
import { launch, launchPatienceMs } from '../../../src/pipeline/launch.ts';
import { reconcile, sweep } from '../../../src/pipeline/reconcile.ts';
import { followLog } from '../../../src/sandbox/kubernetes/live-log.ts';
import { type Identity, identities } from '../../../src/sandbox/kubernetes/manifests.ts';
import { bodyOf } from '../../../src/sandbox/kubernetes/refusal.ts';
import { kubectl, type Namespace } from '../../cluster.ts';
import { apiAs, type Deployment, deployment, describeIdentities, users } from './deployment.ts';
import { preparedNamespace } from './prepared.ts';
import { request } from './specs.ts';

/** What each identity may do in the namespace, and nothing else. */
const rights: Readonly<Record<Identity, readonly string[]>> = {
  launch: ['create jobs', 'get jobs', 'delete jobs', 'create configmaps', 'get configmaps'],
  watch: ['list pods', 'watch pods', 'list jobs', 'watch jobs', 'list events'],
  complete: ['get jobs', 'delete jobs', 'list pods', 'get pods/log'],
  reconcile: ['get jobs', 'list jobs', 'delete jobs'],
  stream: ['get pods/log'],
};

await describeIdentities('the functions, each with its own identity', () => {
  let namespace: Namespace;
  let functions: Deployment;
  beforeAll(async () => {
    namespace = await preparedNamespace({ users, maxJobs: 5 });
    functions = await deployment({ namespace: namespace.name, cold: true });
  });
  afterAll(async () => {
    await functions[Symbol.asyncDispose]();
    await namespace[Symbol.asyncDispose]();
  });

  const stateOf = async (id: string) => (await functions.store.executions.get(id))?.state;
  const becomes = (id: string, expected: string) =>
    expect.poll(() => stateOf(id), { timeout: 40_000, interval: 100 }).toBe(expected);
  const nothingIsLeft = () => expect.poll(() => namespace.objects(), { timeout: 20_000, interval: 500 }).toEqual([]);
  const stdoutOf = async (id: string) =>
    Buffer.from((await functions.store.executions.part(id, 'stdout')) ?? []).toString();

  const liveOutputOf = async (id: string) => {
    const execution = await functions.store.executions.get(id);
    if (execution?.state !== 'RUNNING' || execution.pod === undefined) throw new Error('it runs in a pod');
    const { api } = await functions.connect('stream');
    const followed = { api, namespace: namespace.name, pod: execution.pod, caps: execution.request };
    for await (const { bytes } of followLog({ ...followed, signal: AbortSignal.timeout(10_000) })) {
      return Buffer.from(bytes).toString();
    }
    return undefined;
  };

  describe('do their work with these rights, though they begin anew with every message', () => {
    test.each([
      ['a success', 'print("hello")', {}, 'SUCCEEDED', 'hello\n'],
      ['a failure', 'print("three")\nraise SystemExit(3)', {}, 'FAILED', 'three\n'],
      ['a timeout', 'print("up", flush=True)\nwhile True: pass', { timeoutSeconds: 1 }, 'TIMED_OUT', 'up\n'],
    ])('%s', async (_what, code, fields, ending, stdout) => {
      const id = await functions.submit(code, fields);
      await becomes(id, ending);
      expect(await stdoutOf(id)).toBe(stdout);
      await nothingIsLeft();
    });

    test('an image that the admission policies do not allow', async () => {
      const id = await functions.submit('print("never")', { image: 'evil.invalid/python:3' });
      await becomes(id, 'REJECTED');
      expect(await functions.store.executions.get(id)).toMatchObject({
        started: false,
        message: expect.stringContaining('the image is not allowed; allowed are: python:3.11-slim, '),
      });
      await nothingIsLeft();
    });

    test('a cancel, while stream reads what is printed', async () => {
      const id = await functions.submit('import time\nprint("up", flush=True)\ntime.sleep(60)');
      await becomes(id, 'RUNNING');
      expect(await liveOutputOf(id)).toBe('up\n');
      await cancel(await functions.ports('watch'), id);
      await becomes(id, 'CANCELLED');
      expect(await stdoutOf(id)).toBe('up\n');
      await nothingIsLeft();
    });

    test('a launch beside another one adopts its Job and finds its ConfigMap', async () => {
      const id = await functions.submit('print("once")', {}, false);
      functions.meddling.set('launch', async (right, send) => {
        const answer = await send();
        if (right === 'create jobs') {
          functions.meddling.delete('launch');
          await launch(await functions.ports('launch'));
        }
        return answer;
      });
      await launch(await functions.ports('launch'));
      await becomes(id, 'SUCCEEDED');
      expect(await stdoutOf(id)).toBe('once\n');
      await nothingIsLeft();
    });

    test('a launch that a cancel overtakes deletes its Job', async () => {
      const id = await functions.submit('print("never")', {}, false);
      functions.meddling.set('launch', async (right, send) => {
        const answer = await send();
        if (right === 'create jobs') await cancel(await functions.ports('watch'), id);
        return answer;
      });
      await launch(await functions.ports('launch'));
      functions.meddling.delete('launch');
      expect(await stateOf(id)).toBe('CANCELLED');
      await nothingIsLeft();
    });

    test('a launcher that dies before its start signal is driven on by the next', async () => {
      const id = await functions.submit('print("late")', {}, false);
      functions.meddling.set('launch', (right, send) => {
        if (right === 'create configmaps') throw new Error('the launcher dies');
        return send();
      });
      await expect(launch(await functions.ports('launch'))).rejects.toThrow('the launcher dies');
      functions.meddling.delete('launch');
      await sleep(launchPatienceMs + 100);
      await reconcile(await functions.ports('reconcile'));
      await becomes(id, 'SUCCEEDED');
      await nothingIsLeft();
    });

    test('a start signal that never comes is explained by watch, and ended when its time is over', async () => {
      const startTimeoutSeconds = 60;
      const id = await functions.submit('print("never")', { startTimeoutSeconds }, false);
      functions.meddling.set('launch', (right, send) => {
        if (right === 'create configmaps') throw new Error('the launcher dies');
        return send();
      });
      await expect(launch(await functions.ports('launch'))).rejects.toThrow('the launcher dies');
      functions.meddling.delete('launch');
      const waiting = async () => {
        const execution = await functions.store.executions.get(id);
        return execution?.state === 'LAUNCHING' ? execution.waiting?.reason : execution?.state;
      };
      await expect.poll(waiting, { timeout: 30_000 }).toBe('Mount');
      await complete(await functions.ports('complete'), id);
      expect(await waiting()).toBe('Mount');
      const reconciler = await functions.ports('reconcile');
      const later = () => Date.now() + startTimeoutSeconds * 1000;
      await reconcile({ ...reconciler, clock: { ...reconciler.clock, now: later } });
      const completer = await functions.ports('complete');
      await complete({ ...completer, clock: { ...completer.clock, now: later } }, id);
      await becomes(id, 'START_TIMEOUT');
      await nothingIsLeft();
    });

    test('a Job that outlives its result is swept', async () => {
      functions.meddling.set('complete', (right, send) => {
        if (right === 'delete jobs') throw new Error('the API server is away');
        return send();
      });
      const id = await functions.submit('print("kept")');
      await becomes(id, 'SUCCEEDED');
      await sweep(await functions.ports('reconcile'));
      await nothingIsLeft();
      functions.meddling.delete('complete');
    });

    test('a sweep leaves a newer Job of the same name alone', async () => {
      const { sandbox } = await functions.ports('launch');
      const spec = { executionId: executionId(randomBytes(16)), request: request() };
      await sandbox.create(spec);
      functions.meddling.set('reconcile', async (right, send) => {
        const answer = await send();
        if (right === 'list jobs') {
          await kubectl('delete', 'jobs', '--all', '-n', namespace.name, '--cascade=foreground');
          await sandbox.create(spec);
        }
        return answer;
      });
      await sweep(await functions.ports('reconcile'));
      functions.meddling.delete('reconcile');
      expect(await namespace.objects()).toContainEqual(expect.stringContaining('job'));
      await sweep(await functions.ports('reconcile'));
      await nothingIsLeft();
    });

    // Last, because it is about all of the above.
    test.each(identities)('%s used every right it has, and no other', (identity) => {
      const used = functions.calls.filter((call) => call.identity === identity && call.status !== 403);
      const expected = [...rights[identity], 'get namespaces'];
      expect([...new Set(used.map(({ right }) => right))].sort()).toEqual(expected.sort());
    });

    test('only complete asks for what it may not have, the words of events, and does without', () => {
      const refused = functions.calls.filter(({ status }) => status === 403);
      expect([...new Set(refused.map(({ identity, right }) => `${identity}: ${right}`))]).toEqual([
        'complete: list events',
      ]);
    });
  });

  test('a small execution costs at most eight calls of all functions together', async () => {
    await using warm = await deployment({ namespace: namespace.name, cold: false });
    const costs = async () => {
      const before = warm.calls.length;
      const id = await warm.submit('print("hello")');
      await expect
        .poll(async () => (await warm.store.executions.get(id))?.state, { timeout: 40_000 })
        .toBe('SUCCEEDED');
      await nothingIsLeft();
      return warm.calls.slice(before).map(({ identity, right }) => `${identity}: ${right}`);
    };
    const first = await costs();
    const next = await costs();
    process.stderr.write(
      `\nKubernetes calls of a small execution: ${next.length}, of the first one: ${first.length}\n`,
    );
    expect(next.length, next.join(', ')).toBeLessThanOrEqual(8);
  });

  const inside = (group: string, resource: string) => `/${group}/namespaces/${namespace.name}/${resource}`;
  test.each<[Identity, 'GET' | 'POST' | 'DELETE', string, string]>([
    ['launch', 'GET', 'api/v1', 'pods'],
    ['watch', 'DELETE', 'apis/batch/v1', 'jobs/some'],
    ['complete', 'POST', 'apis/batch/v1', 'jobs'],
    ['reconcile', 'POST', 'api/v1', 'configmaps'],
    ['stream', 'GET', 'api/v1', 'pods'],
  ])('%s is refused %s %s %s', async (identity, method, group, resource) => {
    const { api } = await functions.connect(identity);
    const body = method === 'POST' ? { metadata: { name: 'some' } } : undefined;
    const answer = await api.send({ method, path: inside(group, resource), body });
    expect(answer).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining(`User "${users[identity]}" cannot`) },
    });
  });

  const reviewSchema = z.object({
    status: z.object({
      resourceRules: z.array(z.object({ verbs: z.array(z.string()), resources: z.array(z.string()) })),
    }),
  });

  test.each(identities)('%s has no other rights than those, says the authorizer', async (identity) => {
    const answer = await (await apiAs(identity)).send({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
      body: { spec: { namespace: namespace.name } },
    });
    const { resourceRules } = reviewSchema.parse(bodyOf(answer, 'ask for the rights')).status;
    const said = resourceRules.flatMap(({ verbs, resources }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    );
    const asking = said.filter((right) => !/^create selfsubject/.test(right));
    expect(asking.sort()).toEqual([...rights[identity], 'get namespaces'].sort());
  });
});
