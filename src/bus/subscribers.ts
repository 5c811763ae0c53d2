import type { Topic } from './bus.ts';

/** Each topic, the function that it is pushed to, and how. Terraform and `cloud:local` take the wiring from here. */
export const subscribers = {
  executions: 'ingest',
  'execution-requested': 'launch',
  'watch-wanted': 'watch',
  'execution-observed': 'complete',
} as const satisfies Record<Topic | 'executions', string>;

/** Longer than any function may take, so that no second copy is delivered beside a running one; Pub/Sub's maximum. */
export const ackDeadlineSeconds = 600;

/** What was delivered this often without success goes to the dead letters; Pub/Sub's minimum is 5. */
export const maxDeliveryAttempts = 10;

/** Seconds between deliveries of a message that failed. */
export const retrySeconds = { minimum: 1, maximum: 60 } as const;

/** Topic, and its subscription, that takes what a subscription gave up. */
export function deadLetterTopic(topic: keyof typeof subscribers): string {
  return `${topic}-dead-letters`;
}
