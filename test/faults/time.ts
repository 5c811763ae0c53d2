import type { Clock } from '../../src/sandbox/memory/clock.ts';

interface Timer {
  readonly at: number;
  run: (() => void) | undefined;
}

/** Time that jumps from timer to timer, and only when everything that could happen now has happened. */
export interface VirtualTime extends Clock {
  sleep(ms: number): Promise<void>;
  /** Runs the next timer, and all that follows from it at that moment; false when there is none. */
  step(): Promise<boolean>;
}

/** Midnight, so that whole seconds of the kubelet are whole seconds of the test. */
export const epochMs = Date.UTC(2026, 0, 1);

/** A clock for thousands of schedules: a step costs a few microseconds. */
export function virtualTime(): VirtualTime {
  let now = epochMs;
  /** Latest first, so that the next is the last. */
  const timers: Timer[] = [];

  const setTimeout = (run: () => void, ms: number) => {
    // Whole milliseconds, as the real clock has them.
    const timer: Timer = { at: now + Math.ceil(ms), run };
    let place = timers.length;
    while (place > 0 && (timers[place - 1]?.at ?? 0) <= timer.at) place--;
    timers.splice(place, 0, timer);
    return () => {
      timer.run = undefined;
    };
  };

  return {
    now: () => now,
    setTimeout,
    sleep: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
    async step() {
      let next = timers.pop();
      while (next !== undefined && next.run === undefined) next = timers.pop();
      if (next?.run === undefined) return false;
      now = Math.max(now, next.at);
      next.run();
      await settled();
      return true;
    },
  };
}

/** Resolves when no promise is left to go on, and Node has told of those that failed with nobody to hear it. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
