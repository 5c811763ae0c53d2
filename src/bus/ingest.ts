import { z } from 'zod';
import { idempotencyKeyPattern } from '../execution/identity.ts';
import { limits } from '../execution/limits.ts';
import { parsedJson } from '../json.ts';
import { original, type Poison, poison, type Received } from './envelope.ts';

/** A request that came as a message on the topic `executions`; its body is still to be checked, as that of HTTP is. */
export interface Ingest {
  readonly body: unknown;
  /** The same for every delivery of the message. */
  readonly idempotencyKey: string;
}

/**
 * Reads a message on the topic `executions`. With an attribute `language` its data is the code itself, and attributes
 * that are named as in `limits.ts`, and `image`, are the request's. Else its data is the JSON body of a submission, which
 * may be in a CloudEvent in structured mode. In binary mode the attributes `ce-…` name the event. Never throws.
 *
 * The key is the attribute `idempotencyKey`, else source and id of the CloudEvent, else the message's id, which a dead
 * letter of ours has as an attribute when it is played back. One that Pub/Sub forwarded has not: without a key or an
 * event it is another request then.
 */
export function parseIngest(message: Received): { readonly ok: true; readonly ingest: Ingest } | Poison {
  const { attributes } = message;
  const data = utf8Of(message.data);
  if (data === undefined) return poison('the data must be UTF-8');
  const content = attributes['language'] === undefined ? jsonContent(data) : codeContent(data, attributes);
  if (!content.ok) return content;
  const key = keyOf(message, content.event ?? binaryEvent(attributes));
  return typeof key === 'string' ? { ok: true, ingest: { body: content.body, idempotencyKey: key } } : key;
}

interface Content {
  readonly ok: true;
  readonly body: unknown;
  /** The CloudEvent around it. */
  readonly event: unknown;
}

/** What is no number stays text, for the check of the body to name. */
function codeContent(code: string, attributes: Received['attributes']): Content {
  const { language, image } = attributes;
  const numbers = Object.keys(limits).flatMap((name) => {
    const value = attributes[name];
    return value === undefined ? [] : [[name, /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value] as const];
  });
  const body = { language, code, ...(image === undefined ? {} : { image }), ...Object.fromEntries(numbers) };
  return { ok: true, body, event: undefined };
}

function jsonContent(text: string): Content | Poison {
  const body = parsedJson(text);
  if (body === undefined) return poison('the data must be JSON, or code with an attribute language');
  const event = structuredSchema.safeParse(body).data;
  if (event === undefined) return { ok: true, body, event: undefined };
  if (event.data_base64 === undefined) return { ok: true, body: event.data, event };
  const inner = parsedJson(Buffer.from(event.data_base64, 'base64').toString());
  return inner === undefined ? poison('the data of the CloudEvent must be JSON') : { ok: true, body: inner, event };
}

const structuredSchema = z.looseObject({
  specversion: z.string(),
  data: z.unknown().optional(),
  data_base64: z.string().optional(),
});
const namedSchema = z.object({ id: z.string().min(1), source: z.string().min(1) });

function binaryEvent(attributes: Received['attributes']) {
  const { 'ce-specversion': version, 'ce-id': id, 'ce-source': source } = attributes;
  return version === undefined ? undefined : { id, source };
}

function keyOf({ attributes, ...message }: Received, event: unknown): string | Poison {
  const { idempotencyKey } = attributes;
  const messageId = attributes[original.messageId] || message.messageId;
  if (idempotencyKey !== undefined) {
    const rule = 'the attribute idempotencyKey must be 1–255 printable ASCII characters';
    return idempotencyKeyPattern.test(idempotencyKey) ? idempotencyKey : poison(rule);
  }
  if (event !== undefined) {
    const named = namedSchema.safeParse(event).data;
    if (named === undefined) return poison('a CloudEvent must have id and source');
    return `cloudevent:${JSON.stringify([named.source, named.id])}`;
  }
  if (messageId === null) return poison('the message has no id: let the subscription write metadata');
  return `message:${messageId}`;
}

function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
