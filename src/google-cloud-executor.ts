import { type DeadLetters, deadLetters } from './bus/dead-letters.ts';
import { UnavailableError } from './errors.ts';
import type { Executor } from './executor.ts';
import { commonPorts, type GoogleClients } from './google-cloud.ts';
import { localExecutor } from './local-executor.ts';
import { kubernetesFacts } from './sandbox/kubernetes/facts.ts';
import { readInstallation } from './store/firestore/installation.ts';

/** Milliseconds for which a warm function believes the target that it has read. */
const believedMs = 30_000;

export interface SubmittingOptions {
  /** Whose the executions are. */
  readonly caller: string;
  /** Hears of errors that no caller is told, since the request is accepted. */
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
}

/**
 * The executor of a function that records requests and has no rights in a cluster. Throws UnavailableError until the
 * reconciler has told which the cluster is.
 */
export async function submittingExecutor(
  google: GoogleClients,
  { caller, onError, now = Date.now }: SubmittingOptions,
): Promise<{ readonly executor: Executor; readonly deadLetters: DeadLetters }> {
  const { config, firestore, pubsub } = google;
  const { ports, target } = await commonPorts(google);
  const currentTarget = believing(target, async () => (await readInstallation(firestore)).target, now);
  const executorFor = (known: Target) => {
    if (known === undefined) {
      throw new UnavailableError(
        'no cluster is connected yet: the function reconcile connects it, and runs every minute',
      );
    }
    return localExecutor({ ...ports, sandbox: kubernetesFacts(known), images: config.images, onError }, caller);
  };
  return {
    executor: {
      ...executorFor(target),
      submit: async (...given) => executorFor(await currentTarget()).submit(...given),
    },
    deadLetters: deadLetters(pubsub, config.topicPrefix),
  };
}

type Target = string | undefined;

/** Gives what was read last, and reads anew when that is too long ago; calls that meet share one read. */
function believing(first: Target, read: () => Promise<Target>, now: () => number): () => Promise<Target> {
  let known = Promise.resolve(first);
  let readAt = now();
  return () => {
    if (now() < readAt + believedMs) return known;
    readAt = now();
    known = read().catch((error: unknown) => {
      readAt = Number.NEGATIVE_INFINITY;
      throw error;
    });
    return known;
  };
}
