import { describe, expect, it } from 'vitest';
import { cancel } from '../../src/pipeline/cancel.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { launch } from '../../src/pipeline/launch.ts';
import { silent } from '../execution/endings.ts';
import { world } from './world.ts';

const second = 'time.sleep(1)\nprint("done")';
const forever = 'print("begun")\nwhile True: pass';

describe('one execution', () => {
  it('runs from its request to its result and leaves nothing behind', async () => {
    const w = world();
    const { ports } = await w.process(null);
    const id = await w.submit(ports, `${second}\nsys.exit(3)`);
    const ended = await w.ended(id);
    expect(ended).toMatchObject({ state: 'FAILED', exitCode: 3, fault: 'program', started: true, retrySafe: false });
    expect(await w.stdout(id)).toBe('done\n');
    expect(w.starts(id)).toBe(1);
    await w.clock.pass(5_000);
    expect(w.left()).toBe(0);
  });

  it('drops the values of its environment at its end and keeps the names', async () => {
    const w = world();
    const { ports } = await w.process(null);
    const id = await w.submit(ports, second, { env: { SECRET: 'x' } });
    expect((await w.get(id)).request.env).toEqual({ SECRET: 'x' });
    expect((await w.ended(id)).request).toMatchObject({ env: {}, envNames: ['SECRET'] });
  });

  it('keeps a hash of its request that tells nothing without the secret of the installation', async () => {
    const w = world();
    const own = w.ports();
    const other = {
      ...own,
      store: { ...own.store, installation: { id: 'bbbbbbbb', secret: new Uint8Array(32).fill(1) } },
    };
    const request = { env: { PIN: '1234' } };
    const ids = [await w.submit(own, second, request), await w.submit(other, second, request)];
    const [hash, otherHash] = await Promise.all(ids.map(async (id) => (await w.get(id)).bodyHash));
    expect(hash).not.toBe(otherHash);
  });

  it('is one for the same idempotency key, and refuses another request under it', async () => {
    const w = world();
    const { ports } = await w.process(null);
    const [first, again] = [await w.submit(ports, second, {}, 'k'), await w.submit(ports, second, {}, 'k')];
    expect(again).toBe(first);
    await expect(w.submit(ports, forever, {}, 'k')).rejects.toThrow(`belongs to execution ${first}`);
    await w.ended(first);
    expect(w.starts(first)).toBe(1);
  });

  it('is accepted although the bell cannot be rung, which is reported, and found by the reconciler', async () => {
    const w = world();
    const { ports } = await w.process(null);
    const down = new Error('no right to publish');
    const broken = { ...ports, bus: { ...ports.bus, publish: () => Promise.reject(down) } };
    const id = await w.submit(broken, second);
    expect((await w.ended(id)).state).toBe('SUCCEEDED');
    const message = `execution ${id} is accepted, but its bell was not rung; the reconciler will: no right to publish`;
    expect(w.reported).toEqual([new Error(message, { cause: down })]);
  });

  it('ends at the time limit of a frozen supervisor by our own clock', async () => {
    const w = world({ behaviour: () => ({ durationMs: 'forever', freezesSupervisor: true }) });
    const { ports } = await w.process(null);
    const id = await w.submit(ports, forever, { timeoutSeconds: 7 });
    const ended = await w.ended(id);
    expect(ended).toMatchObject({ state: 'TIMED_OUT', reason: 'Overdue', fault: 'limit' });
    expect(ended.endedAt - (ended.startedAt ?? 0)).toBeLessThan(17_000);
    expect(w.cluster.running()).toEqual([]);
  });

  it('ends as START_TIMEOUT, never started and safe to retry, when its pod cannot start in time', async () => {
    const w = world();
    const { ports } = await w.process(null);
    w.cluster.hold({ reason: 'Unschedulable', message: '0/1 nodes are available', curable: true });
    const id = await w.submit(ports, second, { startTimeoutSeconds: 60 });
    const ended = await w.ended(id);
    expect(ended).toMatchObject({ state: 'START_TIMEOUT', started: false, retrySafe: true });
    expect(ended.message).toBe('it did not start within 60 s: 0/1 nodes are available');
    expect(ended.endedAt - ended.acceptedAt).toBeGreaterThan(60_000);
    w.cluster.hold(null);
    await w.clock.pass(5_000);
    expect([w.starts(id), w.left()]).toEqual([0, 0]);
  });

  it('ends early when what it waits for cannot heal, and shows that reason meanwhile', async () => {
    const w = world();
    const { ports } = await w.process(null);
    w.cluster.hold({ reason: 'Image', message: 'no such image', curable: false });
    const id = await w.submit(ports, second);
    await w.clock.until(async () => {
      const execution = await w.get(id);
      return execution.state === 'LAUNCHING' && execution.waiting?.reason === 'Image';
    }, 30_000);
    const ended = await w.ended(id);
    expect(ended).toMatchObject({ state: 'START_TIMEOUT', message: 'it cannot start: no such image' });
    expect(ended.endedAt - ended.acceptedAt).toBeLessThan(30_000);
  });

  it('is REJECTED when the cluster refuses its Job for good', async () => {
    const w = world();
    const { ports } = await w.process(null);
    w.cluster.refuse('image not allowed');
    expect(await w.ended(await w.submit(ports, second))).toMatchObject({
      state: 'REJECTED',
      message: 'image not allowed',
      started: false,
      retrySafe: true,
    });
  });

  it('is INFRA_INTERRUPTED when its pod is evicted', async () => {
    const w = world();
    const { ports } = await w.process(null);
    const id = await w.submit(ports, forever);
    await w.clock.until(() => w.cluster.running().length > 0);
    for (const uid of w.cluster.running()) w.cluster.disrupt(uid, 'drained');
    expect(await w.ended(id)).toMatchObject({ state: 'INFRA_INTERRUPTED', started: true, retrySafe: false });
  });

  it('does not say that a pod ran that was deleted before it could', async () => {
    const w = world();
    const ports = w.ports();
    const id = await w.submit(ports, second);
    await launch(ports);
    const deleted = { kind: 'ended', deleting: true, ending: silent } as const;
    const completed = complete({ ...ports, sandbox: { ...ports.sandbox, inspect: async () => deleted } }, id);
    await w.clock.pass(5_000);
    await completed;
    expect(await w.get(id)).toMatchObject({ state: 'LOST', started: false, message: 'its pod was deleted' });
  });
});

describe('cancelling', () => {
  it('ends an execution that waits at once, and its Job never appears', async () => {
    const w = world();
    const ports = w.ports();
    const id = await w.submit(ports, second);
    expect(await cancel(ports, id)).toMatchObject({ state: 'CANCELLED', started: false, retrySafe: true });
    await launch(ports);
    expect([w.starts(id), w.left()]).toEqual([0, 0]);
  });

  it('stops a running program, keeps what it printed, and says so only when nothing runs any more', async () => {
    const w = world();
    const { ports } = await w.process(null);
    const id = await w.submit(ports, forever);
    await w.clock.until(async () => (await w.get(id)).state === 'RUNNING');
    await w.clock.pass(1_000);
    expect((await cancel(ports, id))?.state).toBe('STOPPING');
    const ended = await w.ended(id);
    expect(w.cluster.running()).toEqual([]);
    expect(ended).toMatchObject({ state: 'CANCELLED', started: true, retrySafe: false });
    expect(await w.stdout(id)).toBe('begun\n');
  });

  it('lets a result that was there first win', async () => {
    const w = world();
    const ports = w.ports();
    const id = await w.submit(ports, second);
    const launched = launch(ports);
    await w.clock.pass(3_000);
    await launched;
    await cancel(ports, id);
    const completed = complete(ports, id);
    await w.clock.pass(1_000);
    await completed;
    expect((await w.get(id)).state).toBe('SUCCEEDED');
  });

  it('does not undo an ending, and does not know strangers', async () => {
    const w = world();
    const { ports } = await w.process(null);
    const id = await w.submit(ports, second);
    const ended = await w.ended(id);
    expect(await cancel(ports, id)).toEqual(ended);
    expect(await cancel(ports, 'nobody')).toBeUndefined();
  });
});
