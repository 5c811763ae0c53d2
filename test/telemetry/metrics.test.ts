import { expect, test } from 'vitest';
import { cancel } from '../../src/pipeline/cancel.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { points, tracedWorld } from './recording.ts';

async function counted(name: string) {
  const found = (await points()).filter((point) => point.name === `gke_code_executor.${name}`);
  return found.map(({ attributes, value }) => ({ ...attributes, value }));
}

test('an execution is counted once, by its ending, however often it is completed', async () => {
  const w = tracedWorld();
  const over = new AbortController();
  const relay = w.relay(over.signal);
  const id = await w.submit(w.ports, 'time.sleep(2)\nsys.exit(3)');
  await w.ended(id);
  const again = Promise.all([complete(w.ports, id), complete(w.ports, id)]);
  await w.clock.pass(5_000);
  await again;
  const queued = await w.submit({ ...w.ports, bus: { ...w.ports.bus, publish: async () => {} } }, 'print("a")');
  await cancel(w.ports, queued);
  await cancel(w.ports, queued);
  over.abort();
  await relay;
  expect(await counted('executions')).toEqual([
    { state: 'FAILED', fault: 'program', language: 'python', value: 1 },
    { state: 'CANCELLED', fault: 'none', language: 'python', value: 1 },
  ]);
  expect(await counted('execution.start')).toEqual([
    { language: 'python', value: expect.objectContaining({ count: 1, sum: expect.any(Number) }) },
  ]);
  expect(await counted('execution.duration')).toEqual([
    { language: 'python', state: 'FAILED', value: expect.objectContaining({ count: 1, sum: 2 }) },
  ]);
});

test('every Job that the quota refuses is counted', async () => {
  const w = tracedWorld({ quota: 0 });
  await w.submit(w.ports, 'print("a")');
  await w.clock.pass(10_000);
  expect(await counted('queue.refusals')).toEqual([{ value: 5 }]);
});
