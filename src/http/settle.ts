import type { Executor } from '../executor.ts';
import type { Resource } from '../resource.ts';

/** Seconds asked of the executor at a time: how long a watch may outlive a caller who hung up. */
const sliceSeconds = 5;

interface SettleOptions {
  readonly seconds: number;
  /** What is waited for. */
  readonly until: (execution: Resource) => boolean;
  /** Any abort ends the wait early: the caller hung up, or the server is closing. */
  readonly signals: readonly AbortSignal[];
}

/** Waits until the execution is as wanted, at most `seconds`, and returns it as it is then; undefined when unknown. */
export async function settle(executor: Executor, id: string, options: SettleOptions): Promise<Resource | undefined> {
  const { seconds, until, signals } = options;
  let over = signals.some(({ aborted }) => aborted);
  const early = Promise.withResolvers<undefined>();
  const end = () => {
    over = true;
    early.resolve(undefined);
  };
  for (const signal of signals) signal.addEventListener('abort', end, { once: true });
  try {
    const deadline = Date.now() + seconds * 1000;
    for (let left = seconds; left > 0 && !over; left = (deadline - Date.now()) / 1000) {
      const wait = executor.wait(id, Math.min(left, sliceSeconds), (seen) => {
        if (until(seen)) end();
      });
      const waited = await Promise.race([wait, early.promise]);
      over ||= waited === undefined || waited.done;
    }
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', end);
  }
  return executor.get(id);
}
