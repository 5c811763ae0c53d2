import {
  Duration,
  type PubSub,
  type Message as PubsubMessage,
  type Topic as PubsubTopic,
  type Subscription,
  SubscriptionCloseBehaviors,
} from '@google-cloud/pubsub';
import { UnavailableError } from '../errors.ts';
import type { Bus, Handler, Message, Topic } from './bus.ts';
import { parseBell, toAttributes } from './envelope.ts';

export interface PubsubBusOptions {
  /** The client; whoever made it closes it. */
  readonly pubsub: PubSub;
  /** What names begin with: a topic and its pull subscription are both called `<prefix><topic>`. Default: nothing. */
  readonly prefix?: string;
  /** W3C trace context of the work at hand; it travels with what is published. */
  readonly traceparent?: () => string | undefined;
  /**
   * Hears of every error a handler throws (the message is delivered again), of messages that nobody can read (they are
   * dropped) and of subscriptions that break (they are opened again). Must not throw.
   */
  readonly onError?: (topic: Topic, message: Message | undefined, error: unknown) => void;
  /** How many messages of a topic may be in work at a time; default: 100. */
  readonly maxMessages?: number;
  /** How long a publish may take; the client by itself would try for ten minutes. Milliseconds; default: 10000. */
  readonly publishWaitMs?: number;
  /** How long `close` waits for handlers that are running. Milliseconds; default: 5000. */
  readonly closeWaitMs?: number;
}

export interface PubsubBus extends Bus {
  /** Refuses messages from now on, gives back those that wait, and waits for running handlers, but not for ever. */
  close(): Promise<void>;
}

/** Bounds of the wait before a failed message is given back: a subscription without a retry policy sends it at once. */
const patience = { least: 100, most: 500 };

/** Bounds of the wait before a broken subscription is opened again. Milliseconds. */
const openAgain = { least: 500, most: 30_000 };

/**
 * A bus over Pub/Sub. Publishing is awaited until the service has the message: nothing is left to do after a function has
 * returned. Subscribing pulls; functions are pushed to instead, and read what comes with `envelope.ts`.
 */
export function pubsubBus(options: PubsubBusOptions): PubsubBus {
  const { pubsub, prefix = '', traceparent, publishWaitMs = 10_000 } = options;
  const topics = new Map<Topic, PubsubTopic>();
  const pulls = new Map<Topic, Pull>();
  let closed = false;

  const topicOf = (topic: Topic) => {
    const batching = { maxMessages: 1 };
    const known =
      topics.get(topic) ?? pubsub.topic(`${prefix}${topic}`, { batching, gaxOpts: { timeout: publishWaitMs } });
    topics.set(topic, known);
    return known;
  };

  return {
    async publish(topic, message) {
      if (closed) throw new Error('the bus is closed');
      const attributes = toAttributes(message, traceparent?.());
      await topicOf(topic)
        .publishMessage({ data: Buffer.alloc(0), attributes })
        .catch((error) => {
          throw explain(error, `topic ${prefix}${topic}`, 'roles/pubsub.publisher');
        });
    },

    subscribe(topic, handler) {
      if (pulls.has(topic)) throw new Error(`the topic ${topic} has its handler already`);
      pulls.set(topic, pull(topic, handler, options));
    },

    async close() {
      closed = true;
      await Promise.all([...pulls.values()].map((each) => each.close()));
    },
  };
}

interface Pull {
  close(): Promise<void>;
}

/** Keeps a subscription open and hands its messages over. */
function pull(topic: Topic, handler: Handler, options: PubsubBusOptions): Pull {
  const { pubsub, prefix = '', onError, maxMessages = 100, closeWaitMs = 5_000 } = options;
  const name = `${prefix}${topic}`;
  const work = working(topic, handler, onError);
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let subscription: Subscription;

  const open = () => {
    subscription = pubsub.subscription(name, {
      flowControl: { maxMessages },
      closeOptions: {
        behavior: SubscriptionCloseBehaviors.WaitForProcessing,
        timeout: Duration.from({ milliseconds: closeWaitMs }),
      },
    });
    subscription.on('message', (message: PubsubMessage) => {
      failures = 0;
      void work.take(message);
    });
    subscription.once('error', broken);
  };
  const broken = (error: unknown) => {
    onError?.(topic, undefined, explain(error, `subscription ${name}`, 'roles/pubsub.subscriber'));
    // It may say more than once that it broke.
    subscription.on('error', () => {});
    void subscription.close();
    const ceiling = Math.min(openAgain.most, openAgain.least * 2 ** failures++);
    timer = setTimeout(open, ceiling * (0.5 + Math.random() / 2));
  };

  open();
  return {
    async close() {
      subscription.removeListener('error', broken).on('error', () => {});
      clearTimeout(timer);
      work.end();
      await subscription.close();
    },
  };
}

/** Acknowledges what was handled, and gives back what failed after a while, or at once when it is to end. */
function working(topic: Topic, handler: Handler, onError: PubsubBusOptions['onError']) {
  const failed = new Map<PubsubMessage, NodeJS.Timeout>();
  let ended = false;

  const giveBack = (message: PubsubMessage) => {
    clearTimeout(failed.get(message));
    failed.delete(message);
    message.nack();
  };

  return {
    async take(message: PubsubMessage): Promise<void> {
      const parsed = parseBell(message);
      if (!parsed.ok) {
        onError?.(topic, undefined, new Error(`message ${message.id} is dropped: ${parsed.reason}`));
        message.ack();
        return;
      }
      try {
        await handler(parsed.bell);
        message.ack();
      } catch (error) {
        onError?.(topic, parsed.bell, error);
        const delayMs = ended ? 0 : patience.least + Math.random() * (patience.most - patience.least);
        failed.set(message, setTimeout(giveBack, delayMs, message));
      }
    },

    end() {
      ended = true;
      for (const message of failed.keys()) giveBack(message);
    },
  };
}

/** Says what is wrong with a topic or subscription and how to cure it; any other error stays as it is. */
function explain(error: unknown, what: string, role: string): unknown {
  if (!(error instanceof Error && 'code' in error)) return error;
  const message = error.message.replace(/^\d+ [A-Z_]+: /, '');
  const unavailable = (sentence: string) => new UnavailableError(sentence, { cause: error });
  // https://grpc.io/docs/guides/status-codes/
  switch (error.code) {
    case 4:
    case 14:
      return unavailable(`cannot reach Pub/Sub (${message}): try again; what was published may have been accepted`);
    case 5:
      return unavailable(`there is no Pub/Sub ${what}: create it (terraform apply does), or set another prefix`);
    case 7:
      return unavailable(`no right to use the Pub/Sub ${what} (${message}): grant this identity ${role} on it`);
    default:
      return error;
  }
}
