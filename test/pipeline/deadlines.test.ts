import { expect, test } from 'vitest';
import { complete } from '../../src/pipeline/complete.ts';
import { isOverdue } from '../../src/pipeline/deadlines.ts';
import { launch } from '../../src/pipeline/launch.ts';
import { apply } from '../../src/pipeline/ports.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { relay } from '../../src/pipeline/relay.ts';
import { type WorldOptions, world } from './world.ts';

const forever = 'print("begun")\nwhile True: pass';
const seconds = 1_000;
/** Milliseconds in which a relay notices that a clock has run out, and something is done about it. */
const noticedMs = 10 * seconds;

/** Functions as they are deployed, but for the reconciler, which comes too late. */
function withoutReconciler(options: WorldOptions = {}) {
  const w = world(options);
  const ports = w.ports();
  const rung: string[] = [];
  ports.bus.subscribe('execution-requested', () => launch(ports));
  ports.bus.subscribe('watch-wanted', () => relay(ports, () => {}));
  ports.bus.subscribe('execution-observed', async ({ executionId }) => {
    rung.push(executionId);
    await complete(ports, executionId);
  });
  return { ...w, ports, rung };
}

test('a frozen supervisor is ended by the relay', async () => {
  const w = withoutReconciler({ behaviour: () => ({ durationMs: 'forever', freezesSupervisor: true }) });
  const id = await w.submit(w.ports, forever, { timeoutSeconds: 7 });
  const ended = await w.ended(id);
  expect(ended).toMatchObject({ state: 'TIMED_OUT', reason: 'Overdue' });
  expect(ended.endedAt - (ended.startedAt ?? 0)).toBeLessThan(12 * seconds + noticedMs);
});

test('a start that does not come is given up by the relay, of a Job and of what waits for its room', async () => {
  const w = withoutReconciler({ quota: 1 });
  w.cluster.hold({ reason: 'Unschedulable', message: '0/1 nodes are available', curable: true });
  const ids = [
    await w.submit(w.ports, forever, { startTimeoutSeconds: 60 }),
    await w.submit(w.ports, forever, { startTimeoutSeconds: 30 }),
  ];
  for (const [index, id] of ids.entries()) {
    const ended = await w.ended(id);
    expect(ended).toMatchObject({ state: 'START_TIMEOUT', started: false, retrySafe: true });
    expect(ended.endedAt - ended.acceptedAt).toBeLessThan((index === 0 ? 60 : 30) * seconds + noticedMs);
  }
});

test('a wait that cannot heal is ended by the relay', async () => {
  const w = withoutReconciler();
  w.cluster.hold({ reason: 'Image', message: 'no such image', curable: false });
  const ended = await w.ended(await w.submit(w.ports, forever));
  expect(ended).toMatchObject({ state: 'START_TIMEOUT', message: 'it cannot start: no such image' });
  expect(ended.endedAt - ended.acceptedAt).toBeLessThan(15 * seconds + noticedMs);
});

test('the relay rings for nothing whose time has not come', async () => {
  const w = withoutReconciler();
  const id = await w.submit(w.ports, forever, { timeoutSeconds: 60 });
  await w.clock.pass(40 * seconds);
  expect([(await w.get(id)).state, w.rung]).toEqual(['RUNNING', []]);
  await w.ended(id);
});

test('who took it for late with its start still looks whether it runs too long', async () => {
  const w = world({ behaviour: () => ({ durationMs: 'forever', freezesSupervisor: true }) });
  const ports = w.ports();
  const id = await w.submit(ports, forever, { timeoutSeconds: 15, startTimeoutSeconds: 1 });
  await launch(ports);
  const early = await w.get(id);
  expect(early.state).toBe('LAUNCHING');
  const { executions } = ports.store;
  let looks = 0;
  const query: typeof executions.query = async (asked) => {
    const page = await executions.query(asked);
    return asked.equal['open'] === 'yes' && looks++ === 0 ? { ...page, items: [early] } : page;
  };
  ports.bus.subscribe('execution-observed', ({ executionId }) => complete(ports, executionId));
  void relay({ ...ports, store: { ...ports.store, executions: { ...executions, query } } }, () => {});
  const ended = await w.ended(id);
  expect(ended).toMatchObject({ state: 'TIMED_OUT' });
  expect(ended.endedAt - (ended.startedAt ?? 0)).toBeLessThan(20 * seconds + noticedMs);
});

test('a start that nobody was there to see is no late start', async () => {
  const w = world();
  const ports = w.ports();
  const id = await w.submit(ports, forever, { timeoutSeconds: 3600, startTimeoutSeconds: 5 });
  await launch(ports);
  await w.clock.pass(60 * seconds);
  expect((await w.get(id)).state).toBe('LAUNCHING');
  ports.bus.subscribe('execution-observed', ({ executionId }) => complete(ports, executionId));
  await reconcile(ports);
  await w.clock.pass(seconds);
  expect((await w.get(id)).state).toBe('RUNNING');
  expect(w.cluster.running()).toHaveLength(1);
});

test('a clock that is ahead of the kubelet’s ends nothing early', async () => {
  const w = world();
  const ports = w.ports();
  const id = await w.submit(ports, forever, { timeoutSeconds: 10 });
  await apply(ports, id, { type: 'launched', jobUid: 'j' });
  const launchedAt = w.clock.now();
  await apply(ports, id, { type: 'started', jobUid: 'j', startedAt: launchedAt - 60 * seconds, epoch: null });
  expect(isOverdue(await w.get(id), launchedAt + 15 * seconds)).toBe(false);
  expect(isOverdue(await w.get(id), launchedAt + 15 * seconds + 1)).toBe(true);
});
