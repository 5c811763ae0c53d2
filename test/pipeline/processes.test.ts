import { describe, expect, it } from 'vitest';
import { cancel } from '../../src/pipeline/cancel.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { launch, resume } from '../../src/pipeline/launch.ts';
import { apply, type Ports } from '../../src/pipeline/ports.ts';
import { reconcile, sweep } from '../../src/pipeline/reconcile.ts';
import { memorySandbox } from '../../src/sandbox/memory.ts';
import { world } from './world.ts';

const second = 'time.sleep(1)\nprint("done")';
const forever = 'print("begun")\nwhile True: pass';

describe('two of everything', () => {
  it('starts once under twin launchers, completers and reconcilers', async () => {
    const w = world();
    const twins = [await w.process(null), await w.process(null)];
    const ids = await Promise.all([0, 1, 2, 3, 4].map(() => w.submit(w.ports(), second)));
    await w.clock.pass(10);
    await Promise.all(
      twins.flatMap(({ ports }) => [
        reconcile(ports),
        ports.bus.publish('execution-requested', { executionId: 'any' }),
      ]),
    );
    for (const id of ids) {
      expect((await w.ended(id)).state).toBe('SUCCEEDED');
      expect(w.starts(id)).toBe(1);
    }
    await w.clock.pass(5_000);
    expect(w.left()).toBe(0);
  });

  it('never touches the Jobs of another store on the same cluster', async () => {
    const w = world();
    const { ports } = await w.process(null);
    const id = await w.submit(ports, forever);
    await w.clock.until(async () => (await w.get(id)).state === 'RUNNING');
    const stranger = {
      ...world({ installation: 'bbbbbbbb' }).ports(),
      sandbox: memorySandbox({ cluster: w.cluster, installation: 'bbbbbbbb', namespaceUid: 'ns' }),
      clock: w.clock,
    };
    await reconcile(stranger);
    await sweep(stranger);
    expect((await w.get(id)).state).toBe('RUNNING');
    expect(w.cluster.running()).toHaveLength(1);
  });
});

describe('what belongs to another process or another target', () => {
  /** A program of the process `owner` runs; `ports` note what they ask the sandbox. */
  async function elsewhere(change: (ports: Ports) => Partial<Ports>) {
    const w = world();
    const owner = await w.process('owner');
    const id = await w.submit(owner.ports, forever, { timeoutSeconds: 60 });
    await w.clock.until(async () => (await w.get(id)).state === 'RUNNING');
    await w.clock.pass(1_000);
    const asked: string[] = [];
    const ports = w.ports('owner');
    const { sandbox } = ports;
    const counted = {
      ...sandbox,
      inspect: (...args: Parameters<typeof sandbox.inspect>) => {
        asked.push('inspect');
        return sandbox.inspect(...args);
      },
      start: (...args: Parameters<typeof sandbox.start>) => {
        asked.push('start');
        return sandbox.start(...args);
      },
    };
    const own = { ...ports, sandbox: counted };
    return { w, id, asked, ports: { ...own, ...change(own) } };
  }
  const strangers = {
    process: () => ({ process: 'neighbour' }),
    target: ({ sandbox }: Ports) => ({ sandbox: { ...sandbox, target: 'memory:elsewhere' } }),
  };

  it.each(Object.entries(strangers))('is not judged by who cannot see it: another %s', async (_, change) => {
    const { w, id, asked, ports } = await elsewhere(change);
    await cancel(w.ports(), id);
    await complete(ports, id);
    expect([asked, (await w.get(id)).state]).toEqual([[], 'STOPPING']);
    expect(await w.ended(id)).toMatchObject({ state: 'CANCELLED', started: true });
    expect(await w.stdout(id)).toBe('begun\n');
  });

  it.each(Object.entries(strangers))('is not started by who cannot see it: another %s', async (_, change) => {
    const { w, asked, ports } = await elsewhere(change);
    const id = await w.submit(w.ports('owner'), second);
    await apply(w.ports('owner'), id, { type: 'launched', jobUid: 'uid' });
    await w.clock.pass(6_000);
    await resume(ports, id);
    expect(asked).toEqual([]);
  });
});

describe('the queue', () => {
  it('launches in the order of acceptance, never above the quota, and loses nothing', async () => {
    const w = world({ quota: 3 });
    const { ports } = await w.process(null);
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) {
      ids.push(await w.submit(ports, second));
      await w.clock.pass(1);
    }
    for (const id of ids) expect((await w.ended(id)).state).toBe('SUCCEEDED');
    let jobs = 0;
    let most = 0;
    const created: string[] = [];
    for (const event of w.cluster.history) {
      if (event.type === 'jobCreated') {
        jobs++;
        created.push(event.executionId);
      }
      if (event.type === 'jobRemoved') jobs--;
      most = Math.max(most, jobs);
    }
    expect(created).toEqual(ids);
    expect(most).toBe(3);
  });

  it('tells an execution that waits why', async () => {
    const w = world({ quota: 1 });
    const { ports } = await w.process(null);
    await w.submit(ports, forever, { timeoutSeconds: 60 });
    await w.clock.pass(100);
    const waits = await w.submit(ports, second);
    await w.clock.pass(5_000);
    expect(await w.get(waits)).toMatchObject({ state: 'ACCEPTED', waiting: { reason: 'Quota', curable: true } });
    expect((await w.ended(waits)).state).toBe('SUCCEEDED');
  });
});

describe('processes that die', () => {
  it('leave their executions to the next, which starts none of them twice', async () => {
    const w = world();
    for (const [at, gap] of [0, 4, 8, 12, 16, 20, 30, 60, 900, 1_100].entries()) {
      const first = await w.process(`first${at}`);
      const id = await w.submit(first.ports, second);
      await w.clock.pass(gap);
      first.kill();
      const next = await w.process(`next${at}`);
      expect((await w.ended(id)).state).toBe('SUCCEEDED');
      expect(w.starts(id)).toBe(1);
      await w.clock.pass(40_000);
      await sweep(next.ports);
      await w.clock.pass(5_000);
      expect(w.left()).toBe(0);
      next.kill();
    }
  });

  it('do not lose what runs to a neighbour while they live', async () => {
    const w = world();
    const [owner, neighbour] = [await w.process('owner'), await w.process('neighbour')];
    const id = await w.submit(owner.ports, forever, { timeoutSeconds: 60 });
    await w.clock.pass(30_000);
    expect(await w.get(id)).toMatchObject({ state: 'RUNNING', owner: { process: 'owner', epoch: 1 } });
    owner.kill();
    await w.clock.pass(15_000);
    expect(await w.get(id)).toMatchObject({ state: 'RUNNING', owner: { process: 'neighbour', epoch: 2 } });
    neighbour.kill();
  });

  it('cannot start a gated program after their lease was taken over', async () => {
    const w = world({ gated: true });
    const frozen = w.ports('frozen');
    const id = await w.submit(frozen, second);
    let resume = () => {};
    const thawed = new Promise<void>((resolve) => {
      resume = resolve;
    });
    const { sandbox } = frozen;
    const slow = {
      ...frozen,
      sandbox: {
        ...sandbox,
        start: async (...args: Parameters<typeof sandbox.start>) => thawed.then(() => sandbox.start(...args)),
      },
    };
    const launching = launch(slow);
    await w.clock.pass(100);
    const next = await w.process('next');
    await w.clock.pass(500);
    resume();
    await launching;
    expect((await w.ended(id)).state).toBe('SUCCEEDED');
    expect(w.starts(id)).toBe(1);
    next.kill();
  });

  it.each(['job_deleted', 'cancelled'] as const)(
    'call no retry safe when a Job is gone that may have started: %s',
    async (how) => {
      const w = world({
        delay: (step) => (step === 'statusReport' ? 3_000 : 5),
        behaviour: () => ({ durationMs: 60_000 }),
      });
      const first = await w.process('first');
      const id = await w.submit(first.ports, second);
      await w.clock.until(() => w.cluster.running().length > 0);
      const [uid = ''] = w.cluster.running();
      if (how === 'cancelled') await cancel(w.ports(), id);
      first.kill();
      w.cluster.disrupt(uid, 'job_deleted');
      await w.clock.pass(20_000);
      await w.process('next');
      expect(await w.ended(id)).toMatchObject({ state: how === 'cancelled' ? 'CANCELLED' : 'LOST', retrySafe: false });
      expect(w.starts(id)).toBe(1);
    },
  );
});
