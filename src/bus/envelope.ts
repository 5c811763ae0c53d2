import { z } from 'zod';
import { dayMs, limits, retention } from '../execution/limits.ts';
import { parsedJson } from '../json.ts';
import { traceparentPattern } from '../telemetry/trace.ts';
import type { Message } from './bus.ts';

/** A Pub/Sub message as a subscriber got it, whichever way it came. */
export interface Received {
  /** Null only from a subscription that unwraps and was not told to write metadata. */
  readonly messageId: string | null;
  /** Milliseconds since the Unix epoch; null when it was not said. */
  readonly publishTime: number | null;
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: Uint8Array;
}

/** What is on our own topics: a hint, never code. */
export interface Bell extends Message {
  /** W3C trace context of whoever rang. */
  readonly traceparent: string | undefined;
}

/** A message that no retry can cure: acknowledge it, and report why. */
export interface Poison {
  readonly ok: false;
  readonly reason: string;
}

/** Bytes of a reason, by Pub/Sub's limit for the value of an attribute; a long one quotes what nobody needs in a log. */
const maxReasonBytes = 1024;

/** The one way to make a reason: it may list as much as a message has wrong. */
export function poison(reason: string): Poison {
  const cut = Buffer.from(reason.slice(0, maxReasonBytes)).subarray(0, maxReasonBytes);
  return { ok: false, reason: cut.toString('utf8').replace(/\ufffd$/, '') };
}

/** A delivery over HTTP. */
export interface PushRequest {
  /** Names in lower case, as Node has them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Parsed JSON, the CloudEvent that the functions framework made of it, or bytes or text that were not parsed. */
  readonly body: unknown;
}

/** Raised with every change that a subscriber of before would misread. */
const schemaVersion = '1';

/** The attributes of a message on our own topics; its data is empty. */
export function toAttributes({ executionId }: Message, traceparent: string | undefined): Record<string, string> {
  return { executionId, schemaVersion, ...(traceparent === undefined ? {} : { traceparent }) };
}

/** Attributes that a dead letter of ours carries: of the message that it was. */
export const original = { messageId: 'originalMessageId', publishTime: 'originalPublishTime' } as const;

/** When, by Pub/Sub, which makes a new message of one that it gives up; of the old one's id it says nothing. */
const forwardedPublishTime = 'CloudPubSubDeadLetterSourceTopicPublishTime';

/** When the message was first published, in milliseconds since the Unix epoch; null when nothing says it. */
export function firstPublished({ publishTime, attributes }: Received): number | null {
  const times = [original.publishTime, forwardedPublishTime].map((name) => instant(attributes[name]));
  const known = [publishTime, ...times].filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** Refuses a message, a dead letter that is played back say, whose execution may be deleted and its tombstone as well. */
export function refuseOld(message: Received, now: number): Poison | undefined {
  const published = firstPublished(message);
  if (published === null || now - published < retention.tombstoneDays * dayMs) return undefined;
  return poison(`it was published more than ${retention.tombstoneDays} days ago`);
}

/** Reads a message of our own topics; one without a version was rung by hand. Never throws. */
export function parseBell({
  attributes,
}: Pick<Received, 'attributes'>): { readonly ok: true; readonly bell: Bell } | Poison {
  const { executionId = '', traceparent = '', schemaVersion: version = schemaVersion } = attributes;
  if (version !== schemaVersion) {
    return poison(`the attribute schemaVersion must be ${schemaVersion}, got ${version}`);
  }
  if (executionId === '') return poison('the attribute executionId is missing');
  const trace = traceparentPattern.test(traceparent) ? traceparent : undefined;
  return { ok: true, bell: { executionId, traceparent: trace } };
}

/**
 * Reads what Pub/Sub or Eventarc pushed: wrapped JSON with names in camel or snake case, the same as a CloudEvent in
 * binary or structured mode, or unwrapped: the data as the body, the attributes as headers. Never throws.
 */
export function parsePush({ headers, body }: PushRequest): { readonly ok: true; readonly message: Received } | Poison {
  const json = jsonOf(body);
  const envelope = headers['x-goog-pubsub-message-id'] === undefined ? envelopeIn(json) : undefined;
  if (envelope === undefined) return { ok: true, message: unwrapped(headers, body) };
  const { success, data, error } = wrappedSchema.safeParse(envelope);
  if (!success) {
    const issues = error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    return poison(`not a Pub/Sub message: ${issues.join('; ')}`);
  }
  const { message } = data;
  const eventId = eventSchema.safeParse(json).data?.id ?? textHeader(headers, 'ce-id');
  return {
    ok: true,
    message: {
      messageId: message.messageId ?? message.message_id ?? eventId ?? null,
      publishTime: instant(message.publishTime ?? message.publish_time),
      attributes: message.attributes ?? {},
      data: message.data ?? new Uint8Array(),
    },
  };
}

const base64 = z.string('must be a string').transform((text, context): Uint8Array => {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) context.addIssue({ code: 'custom', message: 'must be base64 (RFC 4648 §4)' });
  return Uint8Array.from(bytes);
});
const text = z.string('must be a string').nullish();
const wrappedSchema = z.object({
  message: z.object({
    data: base64.nullish(),
    attributes: z.record(z.string(), z.string('must be a string'), 'must be an object of strings').nullish(),
    messageId: text,
    message_id: text,
    publishTime: text,
    publish_time: text,
  }),
});

const holderSchema = z.looseObject({ message: z.looseObject({}) });
const eventSchema = z.looseObject({ specversion: z.string(), id: z.string().optional(), data: holderSchema });

/** What holds the message: the body, or the data of the CloudEvent that it is. */
function envelopeIn(json: unknown): unknown {
  return holderSchema.safeParse(json).data ?? eventSchema.safeParse(json).data?.data;
}

/** Attributes that mean something to us. Not every header is one: some are secret. */
const attributeNames = [
  ...['executionId', 'schemaVersion', 'traceparent', 'idempotencyKey', 'language', 'image'],
  ...[...Object.values(original), forwardedPublishTime],
  ...Object.keys(limits),
];

/** Whether an attribute is one of ours, or of a CloudEvent. */
export function isMeaningful(name: string): boolean {
  return attributeNames.includes(name) || name.startsWith('ce-');
}

function unwrapped(headers: PushRequest['headers'], body: unknown): Received {
  const eventNames = Object.keys(headers).filter((name) => name.startsWith('ce-'));
  const attributes = [...attributeNames, ...eventNames].flatMap((name) => {
    const value = textHeader(headers, name.toLowerCase());
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    messageId: textHeader(headers, 'x-goog-pubsub-message-id') ?? null,
    publishTime: instant(textHeader(headers, 'x-goog-pubsub-publish-time')),
    attributes: Object.fromEntries(attributes),
    data: bytesOf(body),
  };
}

function textHeader(headers: PushRequest['headers'], name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

function instant(time: string | null | undefined): number | null {
  const milliseconds = Date.parse(time ?? '');
  return Number.isNaN(milliseconds) ? null : milliseconds;
}

function jsonOf(body: unknown): unknown {
  if (body instanceof Uint8Array) return parsedJson(Buffer.from(body).toString());
  return typeof body === 'string' ? parsedJson(body) : body;
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return Uint8Array.from(body);
  if (typeof body === 'string') return new TextEncoder().encode(body);
  return new TextEncoder().encode(JSON.stringify(body) ?? '');
}
