/** How long a limit is believed, in milliseconds; a quota that was raised shows after it at the latest. */
const limitLastsMs = 5 * 60_000;

/** The Jobs of one client, counted against the quota that last refused one. */
export interface JobRoom {
  /** Why there is no room, in the words of the quota; undefined while there may be some and the API server is to be asked. */
  refusal(): string | undefined;
  refused(message: string): void;
  made(jobUid: string): void;
  gone(jobUid: string): void;
  /** To be called when nobody hears any more of Jobs that go. */
  forget(): void;
}

/**
 * Keeps a client within a quota that is used up and freed many times a second. The quota controller counts from a cache
 * of its own: when a Job is deleted right after another was made, it may miss the new one and admit one too many
 * (seen on Kubernetes 1.34, about once in a hundred Jobs under a quota of 8).
 */
export function jobRoom(now: () => number = Date.now): JobRoom {
  const present = new Set<string>();
  let full = { limit: Number.POSITIVE_INFINITY, message: '', until: 0 };
  return {
    refusal: () => (present.size >= full.limit && now() < full.until ? full.message : undefined),
    refused: (message) => {
      const limit = /limited:.*\bcount\/jobs\.batch=(\d+)/.exec(message)?.[1];
      if (limit !== undefined) full = { limit: Number(limit), message, until: now() + limitLastsMs };
    },
    made: (jobUid) => void present.add(jobUid),
    gone: (jobUid) => void present.delete(jobUid),
    forget: () => present.clear(),
  };
}
