import type { Firestore } from '@google-cloud/firestore';
import { executions, leases, type Store } from './executions.ts';
import { firestoreCollection } from './firestore/collection.ts';
import { readInstallation } from './firestore/installation.ts';
import type { Installation } from './store.ts';

/** What the client should be made with: gRPC by itself waits up to two minutes between attempts to connect. */
export const clientSettings = { grpcOptions: { 'grpc.max_reconnect_backoff_ms': 5_000 } } as const;

export interface FirestoreOptions {
  /** The client; whoever made it terminates it. */
  readonly firestore: Firestore;
  /** An identity kept elsewhere, in Secret Manager for instance; default: one made with the database. */
  readonly installation?: Installation;
  /** Hears once of each execution that does not parse, which queries then leave out; default: they throw. */
  readonly onError?: (error: unknown) => void;
}

/**
 * A store in a Firestore database in native mode, which any number of processes may share. Throws UnavailableError,
 * which names the fix, when the database is missing, refuses or does not answer.
 */
export async function firestoreStore(options: FirestoreOptions): Promise<Store> {
  const { firestore, installation, onError } = options;
  return {
    installation: installation ?? (await readInstallation(firestore)).installation,
    executions: firestoreCollection(executions, firestore, onError),
    leases: firestoreCollection(leases, firestore),
  };
}
