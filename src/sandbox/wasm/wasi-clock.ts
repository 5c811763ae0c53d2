import { SystemCallError } from './errno.ts';
import type { WasiHost } from './wasi.ts';

/** `clockid` of preview 1. */
export const clocks = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const;

const eventTypes = { clock: 0, fdRead: 1, fdWrite: 2 } as const;
const absoluteTime = 1;
const maxSubscriptions = 4096;
const subscriptionSize = 48;
const eventSize = 32;
const nanosecondsPerMillisecond = 1_000_000;

/** The monotonic clock begins with the child, so that it does not tell how long the machine is up. */
const began = process.hrtime.bigint();

interface Subscription {
  readonly userdata: bigint;
  readonly type: number;
  /** Milliseconds from now; zero for descriptors, since files in memory are always ready. */
  readonly dueMs: number;
}

/** Clocks, entropy, and the waiting that `sleep`, `select` and `poll` end in. */
export function clockCalls({ memory }: WasiHost) {
  const never = new Int32Array(new SharedArrayBuffer(4));

  function readSubscription(at: number): Subscription {
    const userdata = memory.readU64(at);
    const type = memory.readU8(at + 8);
    if (type !== eventTypes.clock) return { userdata, type, dueMs: 0 };
    const timeout = memory.readU64(at + 24);
    const isAbsolute = (memory.readU16(at + 40) & absoluteTime) !== 0;
    const left = isAbsolute ? timeout - now(memory.readU32(at + 16)) : timeout;
    return { userdata, type, dueMs: Number(left) / nanosecondsPerMillisecond };
  }

  function writeEvent(at: number, { userdata, type }: Subscription) {
    memory.bytes(at, eventSize).fill(0);
    memory.writeU64(at, userdata);
    memory.writeU8(at + 10, type);
    if (type !== eventTypes.clock) memory.writeU64(at + 16, 1n);
  }

  return {
    clock_res_get(clock: number, resultPointer: number) {
      now(clock);
      memory.writeU64(resultPointer, clock === clocks.monotonic ? 1000n : 1_000_000n);
    },

    clock_time_get(clock: number, _precision: bigint, resultPointer: number) {
      memory.writeU64(resultPointer, now(clock));
    },

    poll_oneoff(subscriptions: number, events: number, count: number, resultPointer: number) {
      if (count < 1 || count > maxSubscriptions) throw new SystemCallError('INVAL');
      const wanted = Array.from({ length: count >>> 0 }, (_, i) =>
        readSubscription(subscriptions + i * subscriptionSize),
      );
      const soonest = Math.min(...wanted.map(({ dueMs }) => dueMs));
      if (soonest > 0) Atomics.wait(never, 0, 0, soonest);
      const ready = wanted.filter(({ dueMs }) => dueMs <= soonest);
      for (const [i, subscription] of ready.entries()) writeEvent(events + i * eventSize, subscription);
      memory.writeU32(resultPointer, ready.length);
    },

    random_get(pointer: number, length: number) {
      const target = memory.bytes(pointer, length);
      for (let at = 0; at < target.length; at += 65_536) crypto.getRandomValues(target.subarray(at, at + 65_536));
    },

    sched_yield() {},
  };
}

export function now(clock: number): bigint {
  switch (clock) {
    case clocks.realtime:
      return BigInt(Date.now()) * BigInt(nanosecondsPerMillisecond);
    case clocks.monotonic:
      return process.hrtime.bigint() - began;
    case clocks.processCpu:
    case clocks.threadCpu: {
      const { user, system } = process.cpuUsage();
      return BigInt(user + system) * 1000n;
    }
    default:
      throw new SystemCallError('INVAL');
  }
}
