import type { Bus, Handler, Message, Topic } from './bus.ts';

export interface InProcessBusOptions {
  /** Hears of every error a handler throws; the message is delivered again. Must not throw. */
  readonly onError?: (topic: Topic, message: Message, error: unknown) => void;
  /** Runs something after a delay in milliseconds, 0 for as soon as possible; returns how to cancel it. */
  readonly schedule?: (run: () => void, delayMs: number) => () => void;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** How long `close` waits for handlers that are running. Milliseconds; default: 5000. */
  readonly closeWaitMs?: number;
}

export interface InProcessBus extends Bus {
  /** Refuses messages from now on, drops those that wait, and waits for running handlers, but not for ever. */
  close(): Promise<void>;
}

/** Bounds of the wait before a message whose handler threw is delivered again. Milliseconds. */
const redelivery = { least: 50, most: 5_000 };

/** One execution's message on one topic, from the first publish until a handler returned with none to follow. */
interface Delivery {
  readonly topic: Topic;
  readonly message: Message;
  failures: number;
  /** The handler's run; undefined while the message waits. */
  running?: Promise<void> | undefined;
  /** The same was published while its handler ran. */
  again: boolean;
  /** Calls off the scheduled delivery. */
  cancel?: () => void;
}

/**
 * A bus for one process. Messages of one topic and execution are joined while one waits; those that arrive while the
 * same is being handled cause one more delivery afterwards. Executions do not wait for each other. A message that waits
 * to be delivered again goes at once when the same is published, since that may be news.
 */
export function inProcessBus(options: InProcessBusOptions = {}): InProcessBus {
  const { onError, schedule = runLater, random = Math.random, closeWaitMs = 5_000 } = options;
  const handlers = new Map<Topic, Handler>();
  const deliveries = new Map<string, Delivery>();
  let closed = false;

  const deliverIn = (delayMs: number, delivery: Delivery) => {
    const handler = handlers.get(delivery.topic);
    if (handler === undefined || closed) return;
    delivery.cancel?.();
    delivery.cancel = schedule(() => {
      delivery.again = false;
      // Set before the handler begins, which may publish the same at once.
      delivery.running = Promise.resolve().then(() => handle(delivery, handler));
    }, delayMs);
  };

  const handle = async (delivery: Delivery, handler: Handler) => {
    const failed = await fails(delivery, handler, onError);
    delivery.running = undefined;
    delivery.failures = failed ? delivery.failures + 1 : 0;
    if (failed) deliverIn(redeliveryDelayMs(delivery.failures, random()), delivery);
    else if (delivery.again) deliverIn(0, delivery);
    else deliveries.delete(keyOf(delivery.topic, delivery.message));
  };

  return {
    async publish(topic, message) {
      if (closed) throw new Error('the bus is closed');
      const known = deliveries.get(keyOf(topic, message));
      if (known === undefined) deliverIn(0, added(deliveries, topic, message));
      else if (known.running !== undefined) known.again = true;
      else if (known.failures > 0) deliverIn(0, known);
    },

    subscribe(topic, handler) {
      if (handlers.has(topic)) throw new Error(`the topic ${topic} has its handler already`);
      handlers.set(topic, handler);
      for (const delivery of deliveries.values()) if (delivery.topic === topic) deliverIn(0, delivery);
    },

    async close() {
      closed = true;
      for (const { cancel } of deliveries.values()) cancel?.();
      const handlersDone = Promise.all([...deliveries.values()].map(({ running }) => running));
      await settledWithin(closeWaitMs, handlersDone, schedule);
    },
  };
}

/** Full jitter, so that what failed together does not come back together; the ceiling doubles up to the longest delay. */
function redeliveryDelayMs(failures: number, random: number): number {
  const ceiling = Math.min(redelivery.most, redelivery.least * 2 ** failures);
  return redelivery.least + random * (ceiling - redelivery.least);
}

function added(deliveries: Map<string, Delivery>, topic: Topic, message: Message): Delivery {
  const delivery = { topic, message, failures: 0, again: false };
  deliveries.set(keyOf(topic, message), delivery);
  return delivery;
}

async function fails(
  { topic, message }: Delivery,
  handler: Handler,
  onError: InProcessBusOptions['onError'],
): Promise<boolean> {
  try {
    await handler(message);
    return false;
  } catch (error) {
    onError?.(topic, message, error);
    return true;
  }
}

function keyOf(topic: Topic, message: Message): string {
  return `${topic}/${message.executionId}`;
}

async function settledWithin(
  limitMs: number,
  work: Promise<unknown>,
  schedule: NonNullable<InProcessBusOptions['schedule']>,
): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const cancel = schedule(resolve, limitMs);
  await Promise.race([work, late]);
  cancel();
}

function runLater(run: () => void, delayMs: number): () => void {
  if (delayMs === 0) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  }
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}
