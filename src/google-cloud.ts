import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Firestore } from '@google-cloud/firestore';
import { PubSub } from '@google-cloud/pubsub';
import { pubsubBus } from './bus/pubsub.ts';
import type { GoogleCloudConfig } from './config.ts';
import { readInstallation } from './store/firestore/installation.ts';
import { clientSettings, firestoreStore } from './store/firestore.ts';
import { tracedBus } from './telemetry/ports.ts';
import { currentTraceparent } from './telemetry/trace.ts';

const clock = { now: Date.now, sleep: async (milliseconds: number) => void (await sleep(milliseconds)) };

/** What functions with and without a cluster have in common. */
export async function commonPorts(config: GoogleCloudConfig) {
  const firestore = new Firestore({ ...clientSettings, projectId: config.projectId, databaseId: config.databaseId });
  const { installation, target } = await readInstallation(firestore);
  const store = await firestoreStore({ firestore, installation });
  const pubsub = new PubSub({ projectId: config.projectId });
  const bus = tracedBus(pubsubBus({ pubsub, prefix: config.topicPrefix, traceparent: currentTraceparent }));
  return { ports: { store, bus, clock, randomBytes, process: null }, firestore, pubsub, target };
}
