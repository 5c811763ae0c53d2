import type { Ports } from './ports.ts';

/**
 * Listens for the wish of another process that one of our executions be stopped, which is written into its record: the
 * reconciler would find it too, but seconds later. Given a launched execution, it rings once that is stopping; what is
 * given twice is listened for once.
 */
export function heeder({ store, bus }: Pick<Ports, 'store' | 'bus'>, signal: AbortSignal, onError: OnError) {
  const heeded = new Map<string, () => void>();
  const forget = (id: string) => {
    heeded.get(id)?.();
    heeded.delete(id);
  };
  signal.addEventListener('abort', () => {
    for (const stop of heeded.values()) stop();
  });
  return (id: string) => {
    if (heeded.has(id) || signal.aborted) return;
    const stop = store.executions.watch(id, ({ state }) => {
      if (awaited.has(state)) return;
      forget(id);
      if (state === 'STOPPING') bus.publish('execution-observed', { executionId: id }).catch(onError);
    });
    heeded.set(id, stop);
  };
}

type OnError = (error: unknown) => void;

/** States after which a wish to stop may still come. */
const awaited: ReadonlySet<string> = new Set(['ACCEPTED', 'LAUNCHING', 'RUNNING']);
