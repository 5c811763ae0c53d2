import type { PubSub } from '@google-cloud/pubsub';
import { firstPublished, original, type Received } from './envelope.ts';
import { deadLetterTopic } from './subscribers.ts';

export interface DeadLetters {
  /**
   * Keeps a message on the topic `executions` that no retry can cure, with the reason as attribute `reason`. Played back
   * with its attributes it is the same request of the same age.
   */
  keep(message: Received, reason: string): Promise<void>;
}

/** Bytes of an attribute's value, by Pub/Sub's limit. */
const maxReasonBytes = 1024;

/** The dead letters of the topic `executions`, where Pub/Sub itself puts what failed too often. */
export function deadLetters(pubsub: PubSub, prefix: string): DeadLetters {
  const topic = pubsub.topic(`${prefix}${deadLetterTopic('executions')}`, { batching: { maxMessages: 1 } });
  return {
    keep: async (message, reason) => {
      const { data, attributes, messageId } = message;
      const cut = Buffer.from(reason).subarray(0, maxReasonBytes).toString('utf8').replace(/�$/, '');
      const published = firstPublished(message);
      const first = {
        ...(messageId === null ? {} : { [original.messageId]: messageId }),
        ...attributes,
        ...(published === null ? {} : { [original.publishTime]: new Date(published).toISOString() }),
      };
      await topic.publishMessage({ data: Buffer.from(data), attributes: { ...first, reason: cut } });
    },
  };
}
