import { Duration, type PubSub, type Message as PubsubMessage, SubscriptionCloseBehaviors } from '@google-cloud/pubsub';
import type { Bus, Handler, Topic } from '../../src/bus/bus.ts';
import { parseBell } from '../../src/bus/envelope.ts';

export interface Puller extends Pick<Bus, 'subscribe'> {
  close(): Promise<void>;
}

/** Pulls from subscriptions that are called as their topics, where functions would be pushed to. */
export function puller(pubsub: PubSub): Puller {
  const stops: (() => Promise<void>)[] = [];
  const closeOptions = {
    behavior: SubscriptionCloseBehaviors.WaitForProcessing,
    timeout: Duration.from({ milliseconds: 1_500 }),
  };
  return {
    subscribe: (topic: Topic, handler: Handler) => {
      const subscription = pubsub.subscription(topic, { closeOptions });
      subscription.on('message', (message: PubsubMessage) => void take(message, handler));
      stops.push(() => subscription.close());
    },
    close: async () => void (await Promise.all(stops.map((stop) => stop()))),
  };
}

/** A subscription without a retry policy sends a message that is given back at once. */
async function take(message: PubsubMessage, handler: Handler): Promise<void> {
  const parsed = parseBell(message);
  if (!parsed.ok) throw new Error(parsed.reason);
  try {
    await handler(parsed.bell);
    message.ack();
  } catch {
    setTimeout(() => message.nack(), 100);
  }
}
