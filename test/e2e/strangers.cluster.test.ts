import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Embedded, openEmbedded } from '../../src/embedded.ts';
import { jobName } from '../../src/execution/identity.ts';
import { describeCluster, kubectl, type Namespace, temporaryNamespace } from '../cluster.ts';
import { stateDirectory } from './command.ts';

const sleeps = 'print("begun", flush=True)\nimport time\ntime.sleep(120)';

await describeCluster('what somebody else does to a running program on a real cluster', () => {
  const state = stateDirectory();
  let namespace: Namespace;
  let embedded: Embedded;
  beforeAll(async () => {
    namespace = await temporaryNamespace();
    const place = { sandbox: 'kubernetes', namespace: namespace.name, store: state.store } as const;
    embedded = await openEmbedded({ ...place, onError: () => {} });
  });
  afterAll(async () => {
    await embedded.close();
    await namespace[Symbol.asyncDispose]();
    state[Symbol.dispose]();
  });

  /** Runs a program, does something to its Job once it runs, and says how it ended. */
  async function disturbed(code: string, disturb: (job: string) => Promise<unknown>) {
    const { executor } = embedded;
    const { execution } = await executor.submit({ language: 'python', code, timeoutSeconds: 100 }, {});
    const running = async () => (await executor.get(execution.id))?.state;
    await expect.poll(running, { timeout: 30_000, interval: 200 }).toBe('RUNNING');
    const jobs = (await kubectl('get', 'jobs', '-n', namespace.name, '-o', 'name')).trim().split('\n');
    const job = jobs.find((name) => name.endsWith(jobName('', execution.id).slice(-26)));
    if (job === undefined) throw new Error(`no Job of ${execution.id} among ${jobs}`);
    await disturb(job);
    const ended = await executor.wait(execution.id, 60);
    const stdout = Buffer.from((await executor.output(execution.id, 'stdout')) ?? []).toString();
    return { ...ended?.result, state: ended?.state, stdout };
  }

  const inNamespace = () => ['-n', namespace.name];

  test('a Job that is deleted is LOST, and no retry is called safe', { timeout: 120_000 }, async () => {
    const ended = await disturbed(sleeps, (job) => kubectl('delete', job, ...inNamespace(), '--wait=false'));
    expect(ended).toMatchObject({ state: 'LOST', fault: 'platform', started: true, retrySafe: false });
  });
});

await describeCluster('a log that its node has rotated', () => {
  test('gives the true exit code, and says that output is missing', { timeout: 120_000 }, async () => {
    const state = stateDirectory();
    await using namespace = await temporaryNamespace();
    const place = { sandbox: 'kubernetes', namespace: namespace.name, store: state.store } as const;
    const embedded = await openEmbedded({ ...place, onError: () => {} });
    const code = `const fs = require('fs'); const log = fs.openSync('/proc/1/fd/1', 'w');
console.log('first');
setTimeout(() => {
  for (let n = 0; n < 300; n++) fs.writeSync(log, 'x'.repeat(65535) + '\\n');
  setTimeout(() => process.exit(7), 12_000);
}, 500);`;
    const { execution } = await embedded.executor.submit({ language: 'javascript', code, timeoutSeconds: 60 }, {});
    const ended = await embedded.executor.wait(execution.id, 100);
    await embedded.close();
    state[Symbol.dispose]();
    expect(ended).toMatchObject({ state: 'FAILED', result: { exitCode: 7, outputComplete: false } });
    expect(ended?.result?.outputIncompleteBecause).toMatch(/log/);
  });
});
