import { Firestore } from '@google-cloud/firestore';
import { subscribedTopics } from '../../src/bus/subscribers.ts';
import { clientSettings } from '../../src/store/firestore.ts';
import type { Cloud } from './cloud.ts';

interface Ears {
  /** A write of an execution's record, with the state that it has then. */
  readonly write: (state: string) => void;
  readonly message: (topic: string) => void;
}

/** Hears of every write and every message, beside the functions that they are for. */
export async function overhear(cloud: Cloud, ears: Ears, stack: AsyncDisposableStack): Promise<void> {
  const { projectId, firestoreHost, pubsub } = cloud;
  const firestore = new Firestore({ ...clientSettings, projectId, host: firestoreHost, ssl: false });
  stack.defer(() => firestore.terminate());
  stack.defer(
    firestore.collection('executions').onSnapshot((snapshot) => {
      for (const { doc } of snapshot.docChanges()) ears.write(String(doc.get('by.state')));
    }),
  );
  for (const topic of subscribedTopics) {
    const [subscription] = await pubsub.topic(topic).createSubscription(`${topic}-heard`);
    subscription.on('message', (message) => {
      message.ack();
      ears.message(topic);
    });
    stack.defer(() => subscription.close());
  }
}
