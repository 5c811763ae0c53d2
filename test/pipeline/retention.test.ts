import { describe, expect, it } from 'vitest';
import { ExecutionGoneError, ExecutionOpenError, IdempotencyConflictError } from '../../src/errors.ts';
import { dayMs, retention } from '../../src/execution/limits.ts';
import { cancel } from '../../src/pipeline/cancel.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { launch, resume } from '../../src/pipeline/launch.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { reconcile, sweep } from '../../src/pipeline/reconcile.ts';
import { find, remove, retire } from '../../src/pipeline/retention.ts';
import { world } from './world.ts';

const second = 'time.sleep(1)\nprint("done")';

/** An execution that ended, and nobody at work any more. */
async function ended(key?: string) {
  const w = world();
  const { ports, kill } = await w.process(null);
  const id = await w.submit(ports, second, {}, key);
  await w.ended(id);
  await w.clock.pass(5_000);
  kill();
  return { w, ports, id };
}

/** Ids of the given, oldest first; each is final as soon as it is recorded. */
async function cancelled(w: ReturnType<typeof world>, ports: Ports, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const id = await w.submit(ports, second);
    await cancel(ports, id);
    ids.push(id);
    await w.clock.pass(1);
  }
  return ids;
}

async function present(ports: Ports, ids: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(ids.map((id) => ports.store.executions.get(id)));
  return ids.filter((_, index) => found[index] !== undefined);
}

describe('a record', () => {
  it('becomes a tombstone 30 days after its end, and not before', async () => {
    const { w, ports, id } = await ended();
    const { endedAt, bodyHash } = await w.ended(id);
    await w.clock.pass(endedAt + retention.recordDays * dayMs - w.clock.now() - 1);
    await retire(ports);
    expect(await present(ports, [id])).toEqual([id]);
    await w.clock.pass(1);
    await retire(ports);
    expect(await ports.store.executions.get(id)).toBeUndefined();
    for (const part of ['code', 'stdin', 'stdout', 'stderr']) {
      expect(await ports.store.executions.part(id, part)).toBeUndefined();
    }
    const expiresAt = w.clock.now() + retention.tombstoneDays * dayMs;
    expect(await ports.store.executions.tombstone(id)).toEqual({ bodyHash, expiresAt });
    await expect(find(ports.store, id)).rejects.toEqual(new ExecutionGoneError(id));
  });

  it('that is open is never removed, however old it is, and keeps no other', async () => {
    const w = world();
    const ports = w.ports();
    const open = await w.submit(ports, second);
    const [final = ''] = await cancelled(w, ports, 1);
    await w.clock.pass(retention.recordDays * dayMs);
    await retire(ports);
    expect(await present(ports, [open, final])).toEqual([open]);
  });

  it('of a target that is gone goes too', async () => {
    const w = world();
    const ports = w.ports();
    const [id = ''] = await cancelled(w, { ...ports, sandbox: { ...ports.sandbox, target: 'memory:gone' } }, 1);
    await w.clock.pass(retention.recordDays * dayMs);
    await retire(ports);
    expect(await present(ports, [id])).toEqual([]);
  });

  it('is one of a hundred that a round takes, oldest first, also when two rounds meet', async () => {
    const w = world();
    const ports = w.ports();
    const ids = await cancelled(w, ports, 103);
    await w.clock.pass(retention.recordDays * dayMs - 2);
    await Promise.all([retire(ports), retire(w.ports())]);
    expect(await present(ports, ids)).toEqual(ids.slice(100));
    await retire(ports);
    expect(await present(ports, ids)).toEqual(ids.slice(102));
  });

  it('costs one look at the oldest while none is due', async () => {
    const { ports } = await ended();
    const limits: number[] = [];
    const { executions } = ports.store;
    const query: typeof executions.query = (asked) => {
      limits.push(asked.limit);
      return executions.query(asked);
    };
    await retire({ ...ports, store: { ...ports.store, executions: { ...executions, query } } });
    expect(limits).toEqual([1]);
  });
});

describe('an execution that was deleted', () => {
  it('must have ended, is deleted once, and is not one that never was', async () => {
    const w = world();
    const ports = w.ports();
    const id = await w.submit(ports, second);
    await expect(remove(ports, id)).rejects.toEqual(new ExecutionOpenError(id));
    expect((await w.get(id)).state).toBe('ACCEPTED');
    await cancel(ports, id);
    expect(await remove(ports, id)).toBe(true);
    await expect(remove(ports, id)).rejects.toEqual(new ExecutionGoneError(id));
    expect(await remove(ports, 'nobody')).toBe(false);
    expect(await find(ports.store, 'nobody')).toBeUndefined();
  });

  it('does not run again for its idempotency key, until its tombstone expired', async () => {
    const { w, ports, id } = await ended('key');
    await remove(ports, id);
    await expect(w.submit(ports, second, {}, 'key')).rejects.toEqual(new ExecutionGoneError(id));
    await expect(w.submit(ports, 'other', {}, 'key')).rejects.toEqual(new IdempotencyConflictError(id));
    await w.clock.pass(retention.tombstoneDays * dayMs - 1);
    await expect(w.submit(ports, second, {}, 'key')).rejects.toEqual(new ExecutionGoneError(id));
    await launch(ports);
    expect(w.starts(id)).toBe(1);
    await w.clock.pass(1);
    expect(await w.submit(ports, second, {}, 'key')).toBe(id);
  });

  it('is not brought back by what still speaks of it', async () => {
    const { w, ports, id } = await ended();
    await remove(ports, id);
    await complete(ports, id);
    await resume(ports, id);
    await launch(ports);
    await reconcile(ports);
    expect(await cancel(ports, id)).toBeUndefined();
    expect(await ports.store.executions.get(id)).toBeUndefined();
    expect([w.starts(id), w.left()]).toEqual([1, 0]);
  });

  it('leaves no Job: the sweep deletes one that was still there', async () => {
    const w = world();
    const { ports, kill } = await w.process(null);
    const id = await w.submit(ports, second);
    await w.clock.until(async () => (await w.get(id)).state === 'RUNNING');
    kill();
    await w.clock.pass(5_000);
    const unable = { ...ports.sandbox, remove: () => Promise.reject(new Error('no answer')) };
    await expect(complete({ ...ports, sandbox: unable }, id)).rejects.toThrow('no answer');
    await remove(ports, id);
    expect((await ports.sandbox.list()).map(({ executionId }) => executionId)).toEqual([id]);
    const swept = sweep(ports);
    await w.clock.pass(5_000);
    await swept;
    expect(w.left()).toBe(0);
  });

  it('is no trouble for a launcher that is about to start it', async () => {
    const w = world();
    const ports = w.ports();
    const id = await w.submit(ports, second);
    const { executions } = ports.store;
    let deletion: Promise<unknown> | undefined;
    const part: typeof executions.part = async (...asked) => {
      deletion ??= cancel(ports, id)
        .then(() => complete(ports, id))
        .then(() => remove(ports, id));
      await deletion;
      return executions.part(...asked);
    };
    const launched = launch({ ...ports, store: { ...ports.store, executions: { ...executions, part } } });
    await w.clock.pass(5_000);
    await expect(launched).resolves.toBeUndefined();
    expect([w.starts(id), w.left()]).toEqual([0, 0]);
  });

  it('takes with it the Job of a launcher that comes late', async () => {
    const w = world();
    const ports = w.ports();
    const id = await w.submit(ports, second);
    const { create } = ports.sandbox;
    const late: Ports['sandbox']['create'] = async (spec) => {
      await cancel(ports, id);
      await remove(ports, id);
      return create(spec);
    };
    const launched = launch({ ...ports, sandbox: { ...ports.sandbox, create: late } });
    await w.clock.pass(5_000);
    await launched;
    expect([w.starts(id), w.left()]).toEqual([0, 0]);
  });
});
