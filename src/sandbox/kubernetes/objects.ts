import { z } from 'zod';

/** A Kubernetes time, as milliseconds since the Unix epoch. */
const time = z
  .string()
  .transform((text) => Date.parse(text))
  .pipe(z.int());

const optionalTime = time.nullish().transform((value) => value ?? null);
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');

function list<T extends z.ZodType>(item: T) {
  return z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
}

const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? {});

const metadata = z.object({
  name: z.string(),
  uid: z.string(),
  labels,
  annotations: labels,
  creationTimestamp: time,
  deletionTimestamp: optionalTime,
  ownerReferences: list(z.object({ uid: z.string() })),
});

const condition = z.object({ type: z.string(), status: z.string(), reason: text, message: text });

const containerState = z.object({
  waiting: z.object({ reason: text, message: text }).nullish(),
  running: z.object({ startedAt: optionalTime }).nullish(),
  terminated: z
    .object({ exitCode: z.int(), reason: text, message: text, startedAt: optionalTime, finishedAt: optionalTime })
    .nullish(),
});

/** What we read of a Pod. */
export const podSchema = z.object({
  metadata,
  spec: z.object({ nodeName: text }).prefault({}),
  status: z
    .object({
      phase: text,
      reason: text,
      message: text,
      conditions: list(condition),
      containerStatuses: list(z.object({ state: containerState.default({}) })),
    })
    .prefault({}),
});
export type Pod = Readonly<z.infer<typeof podSchema>>;

/** What we read of a Job. */
export const jobSchema = z.object({
  metadata,
  spec: z.object({
    suspend: z.boolean().nullish(),
    template: z.object({
      spec: z.object({ volumes: list(z.object({ configMap: z.object({ name: z.string() }).nullish() })) }),
    }),
  }),
  status: z.object({ conditions: list(condition) }).prefault({}),
});
export type JobObject = Readonly<z.infer<typeof jobSchema>>;

/** What we read of any object. */
export const objectSchema = z.object({ metadata });

/** What we read of an Event. */
export const eventSchema = z.object({ reason: text, message: text, type: text, lastTimestamp: optionalTime });
export type ClusterEvent = Readonly<z.infer<typeof eventSchema>>;

/** One page of a list; `continue` is empty on the last. */
export const pageSchema = z.object({
  metadata: z.object({ resourceVersion: text, continue: text }).prefault({}),
  items: list(z.unknown()),
});
