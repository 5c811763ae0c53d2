import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { UnavailableError } from '../../errors.ts';
import { type Api, answerOf } from './api.ts';
import { listAll } from './namespace.ts';
import { failure, refusalOf } from './refusal.ts';

export interface Source<T extends z.ZodType> {
  readonly api: Api;
  readonly path: string;
  readonly labelSelector: string;
  readonly schema: T;
  /** Milliseconds; the defaults suit a real API server. */
  readonly timing?: WatchTiming;
}

export interface WatchTiming {
  /** The server ends a watch after this long, and says so; the next one goes on where it stopped. */
  readonly lengthMs: number;
  /** A watch that is silent for longer than its length is dead, whatever the connection says. */
  readonly silenceMs: number;
  /** First pause after an error; it doubles up to a hundred times that. */
  readonly pauseMs: number;
}

const defaultTiming: WatchTiming = { lengthMs: 30_000, silenceMs: 40_000, pauseMs: 100 };

export interface Changes<T> {
  /** All there is, at the beginning and after every gap. */
  replaced(items: readonly T[]): void;
  changed(item: T): void;
  deleted(item: T): void;
}

/**
 * Lists, then reports every change until `signal` aborts. A clean end is resumed; any error, also "too old resource
 * version" (410), is followed by a new list after a jittered pause, so that nothing is missed. `onError` hears of what
 * the next attempt does not cure.
 */
export async function listWatch<T extends z.ZodType>(
  source: Source<T>,
  changes: Changes<z.infer<T>>,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const { pauseMs } = source.timing ?? defaultTiming;
  const health = outages(onError);
  let version: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    const began = performance.now();
    try {
      if (version === undefined) {
        const { api, path, schema, labelSelector } = source;
        const listing = await listAll(api, path, schema, { labelSelector, signal });
        changes.replaced(listing.items);
        version = listing.resourceVersion;
      }
      version = await watchFrom(source, version, changes, signal, health.works);
      health.works();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      health.fails(error);
      version = undefined;
      if (performance.now() - began > pauseMs * 100) failures = 0;
      const pause = Math.min(pauseMs * 2 ** failures++, pauseMs * 100);
      await sleep(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => {
        // The abort is the loop's condition.
      });
    }
  }
}

/** Reports an outage once, and each error that follows another; one that the next attempt cures is none. */
function outages(onError: (error: unknown) => void) {
  let failed = false;
  let told: string | undefined;
  return {
    works: () => {
      failed = false;
      told = undefined;
    },
    fails: (error: unknown) => {
      const message = String(error);
      if ((failed || isLasting(error)) && message !== told) {
        told = message;
        onError(error);
      }
      failed = true;
    },
  };
}

/** A right that is missing, or an object of another shape. A cluster that did not answer is an error with a cause. */
function isLasting(error: unknown): boolean {
  return error instanceof z.ZodError || (error instanceof UnavailableError && error.cause === undefined);
}

/** Follows one watch to its clean end and returns the version to go on from. */
async function watchFrom<T extends z.ZodType>(
  { api, path, labelSelector, schema, timing = defaultTiming }: Source<T>,
  from: string,
  changes: Changes<z.infer<T>>,
  signal: AbortSignal,
  onEvent: () => void,
): Promise<string> {
  const query = {
    watch: 'true',
    labelSelector,
    resourceVersion: from,
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(Math.ceil(timing.lengthMs / 1000)),
  };
  const opened = performance.now();
  const response = await api.open({ method: 'GET', path, query, signal }, timing.silenceMs);
  if (response.statusCode !== 200) return refused(response);
  let version = from;
  let heard = false;
  for await (const line of lines(response)) {
    heard = true;
    const { type, object } = eventSchema.parse(JSON.parse(line));
    if (type === 'ERROR') throw refusedInside(object);
    version = versionSchema.parse(object).metadata.resourceVersion;
    if (type === 'DELETED') changes.deleted(schema.parse(object));
    else if (type !== 'BOOKMARK') changes.changed(schema.parse(object));
    onEvent();
  }
  // Something in between that ends every watch at once must not be asked again at once.
  if (!heard && performance.now() - opened < timing.lengthMs / 10) throw new Error('the watch ended at once');
  return version;
}

const eventSchema = z.object({ type: z.string(), object: z.unknown() });
const versionSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }) });
const errorSchema = z.object({ code: z.int() });

async function refused(response: IncomingMessage): Promise<never> {
  const refusal = refusalOf(await answerOf(response));
  throw refusal === undefined ? new Error(`unexpected HTTP ${response.statusCode}`) : failure(refusal, 'watch');
}

/** An error after the watch began, most often 410 for a version that was compacted away. */
function refusedInside(object: unknown): Error {
  const { code } = errorSchema.parse(object);
  return failure(refusalOf({ status: code, body: object }) ?? { kind: 'transient', message: `code ${code}` }, 'watch');
}

async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response) {
    const parts = `${rest}${chunk}`.split('\n');
    rest = parts.pop() ?? '';
    yield* parts.filter((part) => part !== '');
  }
}
