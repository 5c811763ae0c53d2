import { topics } from './bus.ts';

/** The topics that functions are subscribed to; `executions` is for those who publish requests, the others are our own. */
export const subscribedTopics = ['executions', ...topics] as const;
export type SubscribedTopic = (typeof subscribedTopics)[number];

/** Each topic, the function that it is pushed to, and how. Whatever deploys them takes the wiring from here, as `cloud:local` does. */
export const subscribers = {
  executions: 'ingest',
  'execution-requested': 'launch',
  'watch-wanted': 'watch',
  'execution-observed': 'complete',
} as const satisfies Record<SubscribedTopic, string>;

/** Longer than any function may take, so that no second copy is delivered beside a running one; Pub/Sub's maximum. */
export const ackDeadlineSeconds = 600;

/** What was delivered this often without success goes to the dead letters; Pub/Sub's minimum is 5. */
export const maxDeliveryAttempts = 10;

/** Seconds between deliveries of a message that failed. */
export const retrySeconds = { minimum: 1, maximum: 60 } as const;

/** Topic, and its subscription, that takes what a subscription gave up. */
export function deadLetterTopic(topic: SubscribedTopic): string {
  return `${topic}-dead-letters`;
}
