import type { PubSub } from '@google-cloud/pubsub';
import { UnavailableError } from '../errors.ts';
import type { Publisher, Topic } from './bus.ts';
import { toAttributes } from './envelope.ts';

export interface PubsubPublisherOptions {
  /** The client; whoever made it closes it. */
  readonly pubsub: PubSub;
  /** What the names of topics begin with. Default: nothing. */
  readonly prefix?: string;
  /** W3C trace context of the work at hand; it travels with what is published. */
  readonly traceparent?: () => string | undefined;
  /** As of `topicOf`. */
  readonly publishWaitMs?: number;
}

/** Publishes by Pub/Sub. Functions are pushed to, and read what comes with `envelope.ts`. */
export function pubsubPublisher(options: PubsubPublisherOptions): Publisher {
  const { pubsub, prefix = '', traceparent, publishWaitMs } = options;
  const topics = new Map<Topic, PublishTo>();
  const known = (topic: Topic) => {
    const publish = topics.get(topic) ?? topicOf(pubsub, `${prefix}${topic}`, publishWaitMs);
    topics.set(topic, publish);
    return publish;
  };
  return {
    publish: (topic, message) =>
      known(topic)({ data: Buffer.alloc(0), attributes: toAttributes(message, traceparent?.()) }),
  };
}

type PublishTo = (message: {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
}) => Promise<void>;

/**
 * Publishes to one topic, and resolves when the service has the message: nothing is left to do after a function has
 * returned. Throws UnavailableError with the fix, at the latest after `waitMs`, 10 s by default; the client by itself
 * would try for ten minutes.
 */
export function topicOf(pubsub: PubSub, name: string, waitMs = 10_000): PublishTo {
  const topic = pubsub.topic(name, { batching: { maxMessages: 1 }, gaxOpts: { timeout: waitMs } });
  return async (message) => {
    await topic.publishMessage(message).catch((error) => {
      throw explain(error, name);
    });
  };
}

/** Says what is wrong with a topic and how to cure it; any other error stays as it is. */
function explain(error: unknown, topic: string): unknown {
  if (!(error instanceof Error && 'code' in error)) return error;
  const message = error.message.replace(/^\d+ [A-Z_]+: /, '');
  const unavailable = (sentence: string) => new UnavailableError(sentence, { cause: error });
  // https://grpc.io/docs/guides/status-codes/
  switch (error.code) {
    case 4:
    case 14:
      return unavailable(`cannot reach Pub/Sub (${message}): try again; what was published may have been accepted`);
    case 5:
      return unavailable(
        `there is no Pub/Sub topic ${topic}: make it with "gcloud pubsub topics create ${topic}", or set another TOPIC_PREFIX`,
      );
    case 7:
      return unavailable(
        `no right to publish to the Pub/Sub topic ${topic} (${message}): grant this identity roles/pubsub.publisher on it`,
      );
    default:
      return error;
  }
}
