/**
 * Joins calls: one runs, and calls that arrive meanwhile share the one that follows. So each caller waits for a run that
 * began after its call, and hears of that run's error.
 */
export function singleFlight(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running.then(() => {
      next = undefined;
      const run = work();
      running = Promise.allSettled([run]);
      return run;
    });
    return next;
  };
}
