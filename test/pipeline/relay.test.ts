import { expect, test } from 'vitest';
import { isRelayed, relay } from '../../src/pipeline/relay.ts';
import { world } from './world.ts';

const seconds = 1_000;
const fail = (error: unknown) => {
  throw error;
};

/** A relay in a world, with what it published. */
function relaying(w: ReturnType<typeof world>, ports = w.ports()) {
  const wanted: string[] = [];
  const observed: string[] = [];
  ports.bus.subscribe('watch-wanted', async ({ executionId }) => void wanted.push(executionId));
  ports.bus.subscribe('execution-observed', async ({ executionId }) => void observed.push(executionId));
  let over = false;
  const done = relay(ports, fail).then(() => {
    over = true;
  });
  return { ports, wanted, observed, done, isOver: () => over };
}

test('a relay without work sleeps after a minute, and another can begin', async () => {
  const w = world();
  const first = relaying(w);
  await w.clock.pass(59 * seconds);
  expect(await isRelayed(first.ports)).toBe(true);
  await w.clock.pass(10 * seconds);
  expect([first.isOver(), await isRelayed(first.ports), first.wanted]).toEqual([true, false, []]);
  const second = relaying(w);
  await w.clock.pass(seconds);
  expect([second.isOver(), await isRelayed(second.ports)]).toEqual([false, true]);
  await w.clock.pass(100 * seconds);
});

test('of two relays one works, and the other ends at once', async () => {
  const w = world();
  const both = [relaying(w), relaying(w)];
  await w.clock.pass(seconds);
  expect(both.map(({ isOver }) => isOver()).sort()).toEqual([false, true]);
  await w.clock.pass(100 * seconds);
});

test('the lease of a relay that died ends fifteen seconds later', async () => {
  const w = world();
  const ports = w.ports();
  const dead = { ...ports, clock: { ...ports.clock, sleep: () => new Promise<void>(() => {}) } };
  void relay(dead, fail);
  await w.clock.pass(14 * seconds);
  expect(await isRelayed(ports)).toBe(true);
  await w.clock.pass(seconds);
  expect(await isRelayed(ports)).toBe(false);
});

test('a relay that lost its lease ends and leaves it to the new holder', async () => {
  const w = world();
  const first = relaying(w);
  await w.clock.pass(seconds);
  await first.ports.store.leases.update('relay', (lease) => ({ ...lease, expiresAt: lease.expiresAt + 1 }));
  await w.clock.pass(6 * seconds);
  expect([first.isOver(), await isRelayed(first.ports)]).toEqual([true, true]);
});

test('at its longest it asks for a successor while something is open, after it gave up its lease', async () => {
  const w = world();
  const ports = w.ports();
  const id = await w.submit(ports, 'time.sleep(1)', { startTimeoutSeconds: 3600 });
  const first = relaying(w, ports);
  await w.clock.pass(479 * seconds);
  expect(first.wanted).toEqual([]);
  await w.clock.pass(10 * seconds);
  expect([first.isOver(), await isRelayed(ports), first.wanted]).toEqual([true, false, [id]]);
});
