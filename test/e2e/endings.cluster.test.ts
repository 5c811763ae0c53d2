import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Embedded, openEmbedded } from '../../src/embedded.ts';
import type { Executor } from '../../src/executor.ts';
import type { Resource } from '../../src/resource.ts';
import { type Api, kubernetesApi } from '../../src/sandbox/kubernetes/api.ts';
import { labels } from '../../src/sandbox/kubernetes/job-manifest.ts';
import { loadKubeconfig } from '../../src/sandbox/kubernetes/kubeconfig.ts';
import { bodyOf } from '../../src/sandbox/kubernetes/refusal.ts';
import { describeCluster, kubectl, type Namespace, temporaryNamespace } from '../cluster.ts';
import { preparedNamespace } from '../sandbox/kubernetes/prepared.ts';
import { stateDirectory } from './command.ts';
import { endings, type Victim } from './endings.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

let stores = 0;
async function openIn({ name }: Namespace): Promise<Embedded & AsyncDisposable> {
  const embedded = await openEmbedded({
    store: `${state.path}/${stores++}.sqlite`,
    sandbox: 'kubernetes',
    namespace: name,
    images: ['ghcr.io/menace/', 'registry.invalid/'],
    onError: () => {},
  });
  return { ...embedded, [Symbol.asyncDispose]: embedded.close };
}

const reached = async (executor: Executor, id: string, so: (now: Resource) => boolean, seconds: number) => {
  const began = Date.now();
  for (;;) {
    const now = await executor.get(id);
    if (now !== undefined && (so(now) || now.done)) return now;
    if (Date.now() - began > seconds * 1000) throw new Error(`after ${seconds} s: ${JSON.stringify(now)}`);
    await sleep(100);
  }
};

async function victim(api: Api, namespace: string, id: string): Promise<Victim> {
  const inside = (...args: readonly string[]) => kubectl(...args, '-n', namespace);
  const one = async (kind: string) =>
    (await inside('get', kind, '-l', `${labels.execution}=${id}`, '-o', 'name')).trim();
  const [job, pod] = [await one('job'), await one('pod')];
  const name = pod.replace('pod/', '');
  return {
    job: job.replace('.batch', ''),
    pod,
    kubectl: inside,
    post: async (subresource, body) => {
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/${subresource}`;
      return bodyOf(await api.send({ method: 'POST', path, body: { ...body, metadata: { name, namespace } } }), 'ask');
    },
  };
}

await describeCluster('every ending that a real cluster can be brought to', () => {
  describe.concurrent('is told as what it was, in time, of', () => {
    let namespace: Namespace;
    let embedded: Embedded;
    let api: Api;
    beforeAll(async () => {
      namespace = await temporaryNamespace();
      embedded = await openIn(namespace);
      api = kubernetesApi((await loadKubeconfig({})).access);
    });
    afterAll(async () => {
      await embedded.close();
      api.close();
      await namespace[Symbol.asyncDispose]();
    });

    test.each(endings)('$what (row $row)', { timeout: 150_000 }, async (ending) => {
      const { executor } = embedded;
      const { language = 'python', code = 'print("never")', request = {} } = ending;
      const body = { language, code, cpuRequestMillicores: 10, timeoutSeconds: 100, ...request };
      const { execution } = await executor.submit(body, {});
      const { id } = execution;
      let since = Date.now();
      if (ending.waits !== undefined) {
        const waiting = await reached(executor, id, (now) => now.waiting?.reason === ending.waits, 30);
        expect(waiting).toMatchObject({ done: false, waiting: { reason: ending.waits } });
      }
      if (ending.disturb !== undefined) {
        const running = await reached(executor, id, (now) => now.state === 'RUNNING', 40);
        expect(running.state).toBe('RUNNING');
        await sleep(500);
        await ending.disturb(await victim(api, namespace.name, id));
        since = Date.now();
      }
      const ended = await executor.wait(id, 140);
      const seconds = (Date.now() - since) / 1000;
      expect({ state: ended?.state, ...ended?.result }).toMatchObject(ending.says);
      expect(seconds).toBeLessThanOrEqual(ending.within);
      const stdout = Buffer.from((await executor.output(id, 'stdout')) ?? []).toString();
      if (ending.stdout !== undefined) expect(stdout).toBe(ending.stdout);
    });
  });

  const unstarted = { fault: 'platform', started: false, retrySafe: true };
  const program = { language: 'python', code: 'print(1)', startTimeoutSeconds: 8 };

  test.concurrent('no quota for another Job (row 20)', { timeout: 120_000 }, async () => {
    await using namespace = await temporaryNamespace({ jobs: 0 });
    await using embedded = await openIn(namespace);
    const { executor } = embedded;
    const { execution } = await executor.submit(program, {});
    expect(await reached(executor, execution.id, ({ waiting }) => waiting?.reason === 'Quota', 30)).toMatchObject({
      state: 'ACCEPTED',
    });
    const ended = await executor.wait(execution.id, 30);
    const message = expect.stringContaining('exceeded quota');
    expect(ended).toMatchObject({ state: 'START_TIMEOUT', result: { ...unstarted, reason: 'Quota', message } });
  });

  test.concurrent('no quota for its pod (row 21)', { timeout: 120_000 }, async () => {
    await using namespace = await temporaryNamespace();
    await kubectl('create', 'quota', 'pods', '-n', namespace.name, '--hard=pods=0');
    await kubectl('wait', '-n', namespace.name, 'quota/pods', '--for=jsonpath={.status.hard}', '--timeout=30s');
    await using embedded = await openIn(namespace);
    const { executor } = embedded;
    const { execution } = await executor.submit({ ...program, startTimeoutSeconds: 20 }, {});
    expect(await reached(executor, execution.id, ({ waiting }) => waiting?.reason === 'Quota', 30)).toMatchObject({
      state: 'LAUNCHING',
    });
    const ended = await executor.wait(execution.id, 60);
    const message = expect.stringContaining('exceeded quota');
    expect(ended).toMatchObject({ state: 'START_TIMEOUT', result: { ...unstarted, message } });
    expect(await namespace.objects()).toEqual([]);
  });

  test.concurrent('an admission policy that forbids it (row 22)', { timeout: 120_000 }, async () => {
    await using namespace = await preparedNamespace({ users: {}, allowedImages: ['ghcr.io/me/'] });
    await using embedded = await openIn(namespace);
    const { executor } = embedded;
    const { execution } = await executor.submit({ ...program, image: 'ghcr.io/menace/any:1' }, {});
    const ended = await executor.wait(execution.id, 30);
    const message = expect.stringContaining('image');
    expect(ended).toMatchObject({ state: 'REJECTED', result: { ...unstarted, reason: 'Rejected', message } });
  });

  test.concurrent('a cancellation, which keeps what was printed', { timeout: 60_000 }, async () => {
    await using namespace = await temporaryNamespace();
    await using embedded = await openIn(namespace);
    const { executor } = embedded;
    const code = 'print("begun", flush=True)\nimport time\ntime.sleep(100)';
    const { execution } = await executor.submit({ language: 'python', code }, {});
    const running = await reached(executor, execution.id, ({ state: now }) => now === 'RUNNING', 30);
    expect(running.state).toBe('RUNNING');
    await sleep(500);
    const cancelled = Date.now();
    await executor.cancel(execution.id);
    expect(await executor.wait(execution.id, 30)).toMatchObject({ state: 'CANCELLED', result: { started: true } });
    expect(Date.now() - cancelled).toBeLessThan(10_000);
    expect(Buffer.from((await executor.output(execution.id, 'stdout')) ?? []).toString()).toBe('begun\n');
  });
});
