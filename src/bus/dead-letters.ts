import type { PubSub } from '@google-cloud/pubsub';
import { firstPublished, isMeaningful, original, type Poison, type Received } from './envelope.ts';
import { topicOf } from './pubsub.ts';
import { deadLetterTopic } from './subscribers.ts';

export interface DeadLetters {
  /**
   * Keeps a message on the topic `executions` that no retry can cure, with the reason as attribute `reason`. Played back
   * with its attributes it is the same request of the same age.
   */
  keep(message: Received, poison: Poison): Promise<void>;
}

/** Attributes of a message, by Pub/Sub's limit. */
const maxAttributes = 100;

/** Bytes of data that leave room for as many attributes in the 10 MB of a publish; no request has as many. */
const maxDataBytes = 9_000_000;

/** The dead letters of the topic `executions`, where Pub/Sub itself puts what failed too often. */
export function deadLetters(pubsub: PubSub, prefix: string): DeadLetters {
  const publish = topicOf(pubsub, `${prefix}${deadLetterTopic('executions')}`);
  return { keep: (message, poison) => publish(deadLetterOf(message, poison)) };
}

/** Within Pub/Sub's limits, whatever the message was: of attributes that there is no room for, those go that say nothing to us. */
export function deadLetterOf(message: Received, { reason }: Poison) {
  const published = firstPublished(message);
  const all = Object.entries({
    ...(message.messageId === null ? {} : { [original.messageId]: message.messageId }),
    ...message.attributes,
    ...(published === null ? {} : { [original.publishTime]: new Date(published).toISOString() }),
    reason,
  });
  // JSON can say half a character, which fails every publish.
  const wellFormed = all.map(([name, value]) => [name.toWellFormed(), value.toWellFormed()] as const);
  const rank = ([name]: readonly [string, string]) => Number(name !== 'reason' && !isMeaningful(name));
  return {
    data: Buffer.from(message.data.subarray(0, maxDataBytes)),
    attributes: Object.fromEntries(wellFormed.toSorted((a, b) => rank(a) - rank(b)).slice(0, maxAttributes)),
  };
}
