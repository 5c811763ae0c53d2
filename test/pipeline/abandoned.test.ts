import { expect, test } from 'vitest';
import { cancel } from '../../src/pipeline/cancel.ts';
import { apply, type Ports } from '../../src/pipeline/ports.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { world } from './world.ts';

const seconds = 1_000;
const request = { startTimeoutSeconds: 10, timeoutSeconds: 20 };
/** When the Job of such a request is deleted by its own deadline, counted from its launch. */
const jobDeadlineMs = (10 + (10 + 20 + 5 + 60) + 60) * seconds;

/** One execution in each open state, of a namespace that was replaced; `ports` are those of the new one. */
async function replaced(process: string | null) {
  const w = world();
  const old = w.ports(process);
  const ports: Ports = { ...old, sandbox: { ...old.sandbox, target: 'memory:new' } };
  const submit = () => w.submit(old, 'print("x")', request);
  const ids = {
    accepted: await submit(),
    launching: await submit(),
    running: await submit(),
    stopping: await submit(),
  };
  for (const id of [ids.launching, ids.running, ids.stopping]) {
    await apply(old, id, { type: 'launched', jobUid: `uid-${id}` });
  }
  const startedAt = w.clock.now();
  await apply(old, ids.running, { type: 'started', jobUid: `uid-${ids.running}`, startedAt, epoch: null });
  await cancel(old, ids.stopping);
  const states = () => Promise.all(Object.values(ids).map(async (id) => (await w.get(id)).state));
  return { w, ids, ports, states };
}

test('what a target left that is no more ends when nothing of it can start or run', async () => {
  const { w, ids, ports, states } = await replaced(null);
  await reconcile(ports);
  expect(await states()).toEqual(['ACCEPTED', 'LAUNCHING', 'RUNNING', 'STOPPING']);
  await w.clock.pass(11 * seconds);
  await reconcile(ports);
  expect(await states()).toEqual(['START_TIMEOUT', 'LAUNCHING', 'RUNNING', 'STOPPING']);
  expect(await w.get(ids.accepted)).toMatchObject({ started: false, retrySafe: true });
  await w.clock.pass(jobDeadlineMs - 11 * seconds);
  await reconcile(ports);
  expect(await states()).toEqual(['START_TIMEOUT', 'LAUNCHING', 'RUNNING', 'STOPPING']);
  await w.clock.pass(1);
  await reconcile(ports);
  expect(await states()).toEqual(['START_TIMEOUT', 'LOST', 'LOST', 'CANCELLED']);
  const lost = { message: 'nobody serves its target any more', fault: 'platform', retrySafe: false };
  expect(await w.get(ids.launching)).toMatchObject({ ...lost, started: false });
  expect(await w.get(ids.running)).toMatchObject({ ...lost, started: true });
  expect(await w.get(ids.stopping)).toMatchObject({ retrySafe: false });
});

test('what is of another target is left to the processes of that, where executions have owners', async () => {
  const { w, ports, states } = await replaced('me');
  await w.clock.pass(2 * jobDeadlineMs);
  await reconcile(ports);
  expect(await states()).toEqual(['ACCEPTED', 'LAUNCHING', 'RUNNING', 'STOPPING']);
});
