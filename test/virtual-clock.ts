import { setImmediate as settle } from 'node:timers/promises';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Time that passes only when a test says so, and then jumps from timer to timer. */
export function virtualClock(start = Date.UTC(2026, 0, 1)) {
  let time = start;
  let timers: Timer[] = [];
  const setTimeout = (run: () => void, ms: number) => {
    const timer = { at: time + ms, run };
    timers.push(timer);
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  };
  /** Runs what is due next; false when nothing is due any more. */
  const step = async (until = Number.POSITIVE_INFINITY): Promise<boolean> => {
    await settle();
    const next = timers.reduce<Timer | undefined>((a, b) => (a === undefined || b.at < a.at ? b : a), undefined);
    if (next === undefined || next.at > until) return false;
    timers = timers.filter((timer) => timer !== next);
    time = Math.max(time, next.at);
    next.run();
    await settle();
    return true;
  };
  return {
    now: () => time,
    setTimeout,
    sleep: (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms)),
    /** Lets that much time pass. */
    pass: async (ms: number) => {
      const until = time + ms;
      while (await step(until));
      time = until;
    },
    /** Lets time pass until it is so; fails when it is not within the limit of virtual time. */
    until: async (so: () => boolean | Promise<boolean>, limitMs = 3_600_000) => {
      const limit = time + limitMs;
      while (!(await so())) {
        if (!(await step(limit))) throw new Error(`did not happen within ${limitMs} ms`);
      }
    },
  };
}
