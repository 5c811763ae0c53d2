import type { Bus, Message, Topic } from '../../src/bus/bus.ts';
import type { VirtualTime } from './time.ts';

/** Milliseconds. */
const deliveryMs = 2;
const backoff = { first: 1_000, longest: 60_000 };
/** Tries before a message goes to the dead letters, which nobody reads here. */
const mostDeliveries = 5;

export interface DurableBus extends Bus {
  /** Messages that wait or are being handled. */
  pending(): number;
  /** Begins to deliver. */
  open(): void;
}

/** A bus that outlives its subscribers: it delivers until `handle` says that the work is done, or gives up. */
export function durableBus(
  time: VirtualTime,
  handle: (topic: Topic, message: Message) => Promise<'acknowledged' | 'again'>,
): DurableBus {
  let pending = 0;
  let closed: (() => void)[] | undefined = [];
  const deliver = async (topic: Topic, message: Message, deliveries: number): Promise<void> => {
    const outcome = await handle(topic, message);
    if (outcome === 'acknowledged' || deliveries === mostDeliveries) {
      pending--;
      return;
    }
    const pause = Math.min(backoff.longest, backoff.first * 2 ** (deliveries - 1));
    time.setTimeout(() => void deliver(topic, message, deliveries + 1), pause);
  };
  return {
    pending: () => pending,
    async publish(topic, message) {
      pending++;
      const first = () => void time.setTimeout(() => void deliver(topic, message, 1), deliveryMs);
      if (closed === undefined) first();
      else closed.push(first);
    },
    open() {
      for (const first of closed ?? []) first();
      closed = undefined;
    },
    subscribe() {
      throw new Error('functions are subscribed by their deployment');
    },
  };
}
