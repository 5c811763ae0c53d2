import { randomBytes } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';
import { PubSub } from '@google-cloud/pubsub';
import { pubsubPublisher } from './bus/pubsub.ts';
import type { GoogleCloudConfig } from './config.ts';
import { jsonLog } from './log.ts';
import { readInstallation } from './store/firestore/installation.ts';
import { clientSettings, firestoreStore } from './store/firestore.ts';
import { systemClock } from './system-clock.ts';
import { tracedBus } from './telemetry/ports.ts';
import { currentTraceparent } from './telemetry/trace.ts';

/**
 * The clients of Google's services. They hold connections that nobody closes, so they are made once in the life of an
 * instance, however often it has to read what it needs before it can work.
 */
export function googleClients(config: GoogleCloudConfig) {
  const { projectId, databaseId } = config;
  return {
    config,
    firestore: new Firestore({ ...clientSettings, projectId, databaseId }),
    pubsub: new PubSub({ projectId }),
  };
}
export type GoogleClients = ReturnType<typeof googleClients>;

/** What functions with and without a cluster have in common. */
export async function commonPorts({ config, firestore, pubsub }: GoogleClients) {
  const { installation, target } = await readInstallation(firestore);
  const log = jsonLog({ projectId: config.projectId });
  const onError = (error: unknown) => log.error('an execution is left out, since it cannot be read', { error });
  const store = await firestoreStore({ firestore, installation, onError });
  const publisher = pubsubPublisher({ pubsub, prefix: config.topicPrefix, traceparent: currentTraceparent });
  const bus = { ...tracedBus(publisher), subscribe: subscribedByDeployment };
  return { ports: { store, bus, clock: systemClock, randomBytes, process: null }, target };
}

/** Pub/Sub pushes to functions, which have their handlers from `functions/`. */
function subscribedByDeployment(): never {
  throw new Error('functions are subscribed by their deployment');
}
