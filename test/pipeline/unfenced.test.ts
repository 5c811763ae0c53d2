import { expect, test } from 'vitest';
import { cancel } from '../../src/pipeline/cancel.ts';
import { sweep } from '../../src/pipeline/reconcile.ts';
import { world } from './world.ts';

const minute = 60_000;

/** An execution that runs on a node which then falls silent, in a process that looks after it. */
async function onLostNode(timeoutSeconds: number) {
  const w = world();
  const { ports } = await w.process(null);
  const id = await w.submit(ports, 'while True:', { timeoutSeconds });
  await w.clock.until(async () => (await w.get(id)).state === 'RUNNING');
  const [jobUid = ''] = w.cluster.running();
  w.cluster.disrupt(jobUid, 'node_lost');
  return { w, ports, id, jobUid };
}

test('what cannot be stopped is LOST ten minutes later, and nobody says that it does not run', async () => {
  const { w, ports, id, jobUid } = await onLostNode(3600);
  await cancel(ports, id);
  await w.clock.pass(10 * minute);
  expect((await w.get(id)).state).toBe('STOPPING');
  await w.clock.pass(2 * minute);
  expect(await w.get(id)).toMatchObject({
    state: 'LOST',
    fault: 'platform',
    reason: 'NotRemoved',
    message: expect.stringContaining('to be stopped (cancelled)'),
    started: true,
    retrySafe: false,
    output: { complete: false },
  });
  expect(w.cluster.running()).toEqual([jobUid]);
});

test('a node that comes back too late changes nothing any more, and keeps nothing', async () => {
  const { w, ports, id, jobUid } = await onLostNode(60);
  await w.clock.pass(14 * minute);
  const lost = await w.get(id);
  expect(lost).toMatchObject({ state: 'LOST', message: expect.stringContaining('to be stopped (overdue)') });
  w.cluster.disrupt(jobUid, 'node_gone');
  await w.clock.pass(minute);
  await sweep(ports);
  await w.clock.pass(minute);
  expect([await w.get(id), w.left()]).toEqual([lost, 0]);
});

test('a node that comes back in time ends it as was wished', async () => {
  const { w, ports, id, jobUid } = await onLostNode(3600);
  await cancel(ports, id);
  await w.clock.pass(9 * minute);
  w.cluster.disrupt(jobUid, 'node_gone');
  await w.clock.pass(minute);
  expect(await w.get(id)).toMatchObject({ state: 'CANCELLED' });
});

test('what never started has printed nothing, and that is all of it', async () => {
  const w = world();
  const { ports } = await w.process(null);
  w.cluster.hold({ reason: 'Unschedulable', message: 'no room', curable: true });
  const id = await w.submit(ports, 'print("x")');
  await w.clock.until(async () => (await w.get(id)).state === 'LAUNCHING');
  await cancel(ports, id);
  await w.clock.pass(minute);
  const output = { complete: true, incompleteBecause: null, stdout: { totalBytes: 0 } };
  expect(await w.get(id)).toMatchObject({ state: 'CANCELLED', started: false, retrySafe: true, output });
});
