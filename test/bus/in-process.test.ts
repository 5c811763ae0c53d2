import { describe, expect, test, vi } from 'vitest';
import { type InProcessBusOptions, inProcessBus } from '../../src/bus/in-process.ts';
import { busContract } from '../contracts/bus.ts';

busContract('in-process', async () => {
  const bus = inProcessBus({ closeWaitMs: 100 });
  return { bus, close: bus.close };
});

/** A timer that is wound by hand: `run(n)` starts what is due first, `delays` are those still to come. */
function manualTimer() {
  const due: { run: () => void; delayMs: number }[] = [];
  const schedule: NonNullable<InProcessBusOptions['schedule']> = (run, delayMs) => {
    const entry = { run, delayMs };
    due.push(entry);
    return () => {
      if (due.includes(entry)) due.splice(due.indexOf(entry), 1);
    };
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    schedule,
    delays: () => due.map(({ delayMs }) => delayMs),
    next: async () => {
      due.shift()?.run();
      await settled();
    },
  };
}

const a = { executionId: 'a' };

function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { closed: promise, open: resolve };
}

describe('messages of one topic and execution', () => {
  test('are joined while one waits for its delivery', async () => {
    const { schedule, delays, next } = manualTimer();
    const bus = inProcessBus({ schedule });
    let handled = 0;
    bus.subscribe('execution-requested', async () => void handled++);
    for (let count = 0; count < 5; count++) await bus.publish('execution-requested', a);
    await bus.publish('execution-requested', { executionId: 'b' });
    expect(delays()).toEqual([0, 0]);
    await next();
    await next();
    expect(handled).toBe(2);
    expect(delays()).toEqual([]);
  });

  test('are joined while none handles the topic', async () => {
    const { schedule, delays } = manualTimer();
    const bus = inProcessBus({ schedule });
    await bus.publish('execution-requested', a);
    await bus.publish('execution-requested', a);
    expect(delays()).toEqual([]);
    bus.subscribe('execution-requested', async () => {});
    expect(delays()).toEqual([0]);
  });

  test('are not joined across topics', async () => {
    const { schedule, delays } = manualTimer();
    const bus = inProcessBus({ schedule });
    bus.subscribe('execution-requested', async () => {});
    bus.subscribe('execution-observed', async () => {});
    await bus.publish('execution-requested', a);
    await bus.publish('execution-observed', a);
    expect(delays()).toEqual([0, 0]);
  });

  test('cause exactly one more delivery when they arrive during one, and never two at a time', async () => {
    const { schedule, delays, next } = manualTimer();
    const bus = inProcessBus({ schedule });
    const gates = [gate(), gate()];
    let handled = 0;
    bus.subscribe('execution-requested', async () => gates[handled++]?.closed);
    await bus.publish('execution-requested', a);
    await next();
    for (let count = 0; count < 3; count++) await bus.publish('execution-requested', a);
    expect([handled, delays()]).toEqual([1, []]);
    gates[0]?.open();
    await vi.waitFor(() => expect(delays()).toEqual([0]));
    await next();
    gates[1]?.open();
    await next();
    expect([handled, delays()]).toEqual([2, []]);
    await bus.publish('execution-requested', a);
    expect(delays()).toEqual([0]);
  });

  test('may be published by their own handler before it first waits', async () => {
    const { schedule, delays, next } = manualTimer();
    const bus = inProcessBus({ schedule });
    let handled = 0;
    bus.subscribe('execution-requested', async () => {
      if (handled++ === 0) void bus.publish('execution-requested', a);
    });
    await bus.publish('execution-requested', a);
    await next();
    expect(delays()).toEqual([0]);
    await next();
    expect([handled, delays()]).toEqual([2, []]);
  });
});

test('handlers of different executions run at the same time', async () => {
  const bus = inProcessBus();
  const both = gate();
  const running = new Set<string>();
  bus.subscribe('execution-requested', async ({ executionId }) => {
    running.add(executionId);
    if (running.size === 2) both.open();
    await both.closed;
  });
  await bus.publish('execution-requested', a);
  await bus.publish('execution-requested', { executionId: 'b' });
  await both.closed;
  await bus.close();
});

describe('a message whose handler throws', () => {
  const failing = (random: number) => {
    const timer = manualTimer();
    const errors: unknown[] = [];
    const onError: InProcessBusOptions['onError'] = (...reported) => errors.push(reported);
    const bus = inProcessBus({ schedule: timer.schedule, random: () => random, onError });
    const state = { fails: true, handled: 0, meanwhile: async () => {} };
    const error = new Error('no');
    bus.subscribe('execution-observed', async () => {
      state.handled++;
      if (state.fails) throw error;
      await state.meanwhile();
    });
    return { ...timer, bus, state, errors, error };
  };

  test.each([
    { random: 0, delays: [50, 50, 50, 50, 50, 50, 50, 50] },
    { random: 0.5, delays: [75, 125, 225, 425, 825, 1625, 2525, 2525] },
    { random: 0.999, delays: [100, 200, 400, 799, 1598, 3197, 4995, 4995] },
  ])('is delivered again after a longer and longer wait (random $random)', async ({ random, delays: expected }) => {
    const { bus, next, delays } = failing(random);
    await bus.publish('execution-observed', a);
    const waited: number[] = [];
    for (const _ of expected) {
      await next();
      waited.push(...delays().map(Math.round));
    }
    expect(waited).toEqual(expected);
  });

  test('is reported each time with its topic', async () => {
    const { bus, next, errors, error } = failing(0);
    await bus.publish('execution-observed', a);
    await next();
    await next();
    expect(errors).toEqual([
      ['execution-observed', a, error],
      ['execution-observed', a, error],
    ]);
  });

  test('begins with the shortest wait again after a success, even when another follows', async () => {
    const { bus, next, delays, state } = failing(0.5);
    await bus.publish('execution-observed', a);
    await next();
    await next();
    expect(delays()).toEqual([125]);
    state.fails = false;
    state.meanwhile = async () => {
      await bus.publish('execution-observed', a);
      state.fails = true;
    };
    await next();
    expect(delays()).toEqual([0]);
    await next();
    expect(delays()).toEqual([75]);
  });

  test('goes at once, in the place of the one that waits, when the same is published', async () => {
    const { bus, next, delays, state } = failing(0.5);
    await bus.publish('execution-observed', a);
    await next();
    expect(delays()).toEqual([75]);
    await bus.publish('execution-observed', a);
    await bus.publish('execution-observed', a);
    expect(delays()).toEqual([0]);
    await next();
    expect([state.handled, delays()]).toEqual([2, [125]]);
  });
});

test('a topic has one handler', () => {
  const bus = inProcessBus();
  bus.subscribe('watch-wanted', async () => {});
  expect(() => bus.subscribe('watch-wanted', async () => {})).toThrow('watch-wanted has its handler already');
});

describe('close', () => {
  test('refuses messages, drops those that wait and cancels redeliveries', async () => {
    const { schedule, delays, next } = manualTimer();
    const bus = inProcessBus({ schedule, random: () => 0.5 });
    bus.subscribe('execution-requested', async () => {
      throw new Error('no');
    });
    await bus.publish('execution-requested', a);
    await next();
    await bus.publish('execution-requested', { executionId: 'b' });
    expect(delays()).toEqual([75, 0]);
    await bus.close();
    expect(delays()).toEqual([]);
    await expect(bus.publish('execution-requested', a)).rejects.toThrow('the bus is closed');
  });

  test('waits for handlers that are running and does not deliver again what they fail', async () => {
    const { schedule, delays, next } = manualTimer();
    const bus = inProcessBus({ schedule, closeWaitMs: 1234 });
    const running = gate();
    bus.subscribe('execution-requested', async () => {
      await running.closed;
      throw new Error('no');
    });
    await bus.publish('execution-requested', a);
    await next();
    const closing = bus.close();
    expect(delays()).toEqual([1234]);
    const meanwhile = new Promise((resolve) => setImmediate(resolve, 'open'));
    expect(await Promise.race([closing, meanwhile])).toBe('open');
    running.open();
    await closing;
    expect(delays()).toEqual([]);
  });

  test('does not wait for ever', async () => {
    const { schedule, next } = manualTimer();
    const bus = inProcessBus({ schedule, closeWaitMs: 1234 });
    bus.subscribe('execution-requested', () => new Promise(() => {}));
    await bus.publish('execution-requested', a);
    await next();
    const closing = bus.close();
    await next();
    await closing;
  });
});
