import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { InvalidRequestError, UnavailableError } from '../errors.ts';
import { type FileEntry, pathProblem } from '../execution/files.ts';
import { executionIdPattern } from '../execution/identity.ts';
import type { Executor, ListOptions, Stream } from '../executor.ts';
import { formatIdempotencyKey } from '../http/idempotency.ts';
import { pathOf } from '../http/representation.ts';
import { type Resource, resourceSchema } from '../resource.ts';
import { isGone, isUnknown, parseAnswer, toError } from './answer.ts';
import { type Answer, type Send, type ServerAddress, transport } from './transport.ts';

/** An executor on a server, and what only a server can do better. */
export interface HttpExecutor extends Executor {
  /**
   * Submits, waits at most `seconds`, and returns the execution with what it printed (`result.stdout.text`, or
   * `.base64` where it is not UTF-8): one round trip when it ends within a minute. One that is still open then is
   * returned open.
   */
  run(
    body: unknown,
    options: { readonly seconds: number; readonly idempotencyKey?: string | undefined },
  ): Promise<Resource>;
}

/**
 * The API of a server as an executor. Every method may throw UnavailableError, whose message names the fix; what a
 * retry can cure was tried several times before.
 */
export function httpExecutor(address: ServerAddress): HttpExecutor {
  const send = transport(address);
  return {
    submit: (body, { idempotencyKey }) => submit(send, body, { idempotencyKey }),
    run: (body, options) => run(send, body, options),
    get: (id) => show(send, id),
    list: (options) => list(send, options),
    cancel: (id) => cancel(send, id),
    remove: (id) => remove(send, id),
    output: (id, stream) => output(send, id, stream),
    files: (id) => files(send, id),
    wait: (id, seconds, onChange) => wait(send, id, { seconds, onChange, query: '' }),
  };
}

async function submit(send: Send, body: unknown, options: { readonly idempotencyKey?: string | undefined }) {
  const { answer, ownKey } = await post(send, body, { ...options, query: '', seconds: 0 });
  const execution = parseAnswer(answer, resourceSchema);
  // A key made here was used by nobody before: a replay answers an attempt of ours whose answer got lost.
  return { execution, created: ownKey || answer.headers.get('idempotent-replayed') !== 'true' };
}

async function run(
  send: Send,
  body: unknown,
  options: { readonly seconds: number; readonly idempotencyKey?: string | undefined },
): Promise<Resource> {
  const deadline = Date.now() + options.seconds * 1000;
  const { answer } = await post(send, body, { ...options, query: withOutput });
  const execution = parseAnswer(answer, resourceSchema);
  const seconds = (deadline - Date.now()) / 1000;
  if (execution.done || seconds <= 0) return execution;
  return (await wait(send, execution.id, { seconds, query: withOutput })) ?? execution;
}

const withOutput = '?include=output';

interface PostOptions {
  readonly query: string;
  readonly seconds: number;
  readonly idempotencyKey?: string | undefined;
}

async function post(send: Send, body: unknown, { query, seconds, idempotencyKey }: PostOptions) {
  const key = formatIdempotencyKey(idempotencyKey ?? randomUUID());
  if (key === undefined) {
    throw new InvalidRequestError([
      { pointer: '', message: 'the idempotency key must be 1–255 printable ASCII characters' },
    ]);
  }
  const answer = await send({
    method: 'POST',
    path: `/v1/executions${query}`,
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify(body),
    ...(seconds > 0 ? { waitSeconds: seconds } : {}),
  });
  return { answer, ownKey: idempotencyKey === undefined };
}

async function show(send: Send, id: string): Promise<Resource | undefined> {
  if (!isId(id)) return undefined;
  return known(await send({ method: 'GET', path: pathOf(id) }));
}

async function cancel(send: Send, id: string): Promise<Resource | undefined> {
  if (!isId(id)) return undefined;
  const headers = { 'Content-Type': 'application/json' };
  return known(await send({ method: 'POST', path: `${pathOf(id)}/cancel`, headers }));
}

async function remove(send: Send, id: string): Promise<boolean> {
  if (!isId(id)) return false;
  const answer = await send({ method: 'DELETE', path: pathOf(id) });
  if (isUnknown(answer)) return false;
  // Most likely by an attempt of ours whose answer got lost.
  if (answer.status === 204 || (answer.repeated && isGone(answer))) return true;
  throw toError(answer);
}

async function output(send: Send, id: string, stream: Stream): Promise<Uint8Array | undefined> {
  if (!isId(id)) return undefined;
  const answer = await send({ method: 'GET', path: `${pathOf(id)}/${stream}` });
  if (isUnknown(answer)) return undefined;
  if (answer.status === 200 && answer.type === 'application/octet-stream') return answer.bytes;
  throw toError(answer);
}

async function files(send: Send, id: string): Promise<readonly FileEntry[] | undefined> {
  if (!isId(id)) return undefined;
  const answer = await send({ method: 'GET', path: `${pathOf(id)}${withOutput}` });
  const execution = known(answer);
  return (
    execution &&
    (execution.result?.files ?? []).map(({ path, text, base64 }) => ({
      path: soundPath(path, answer),
      bytes: text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text),
    }))
  );
}

/** Whoever asks may write files where their paths say. */
function soundPath(path: string, { server }: Answer): string {
  const problem = pathProblem(path);
  if (problem === undefined) return path;
  throw new UnavailableError(`${server} names an output file ${JSON.stringify(path)}, whose path ${problem}`);
}

/** Anything else is no execution, and would lead to another path. */
function isId(id: string): boolean {
  return executionIdPattern.test(id);
}

function known(answer: Answer): Resource | undefined {
  return isUnknown(answer) ? undefined : parseAnswer(answer, resourceSchema);
}

const pageSchema = z.object({ executions: z.array(resourceSchema), next: z.string().nullable() });

async function list(send: Send, { state, limit, cursor }: ListOptions) {
  const query = new URLSearchParams({
    limit: String(limit),
    ...(state === undefined ? {} : { state }),
    ...(cursor === undefined ? {} : { cursor }),
  });
  return parseAnswer(await send({ method: 'GET', path: `/v1/executions?${query}` }), pageSchema);
}

interface WaitOptions {
  readonly seconds: number;
  readonly query: string;
  readonly onChange?: ((execution: Resource) => void) | undefined;
}

/** Long polls: each request waits for the end or, when somebody listens, for what is not known yet (its entity tag). */
async function wait(send: Send, id: string, options: WaitOptions): Promise<Resource | undefined> {
  const { seconds, query, onChange } = options;
  if (!isId(id)) return undefined;
  const deadline = Date.now() + seconds * 1000;
  let execution: Resource | undefined;
  // The first tag is nobody's: what is true now is news.
  let tag: string | null = onChange === undefined ? null : '""';
  for (;;) {
    const left = (deadline - Date.now()) / 1000;
    const answer = await send({
      method: 'GET',
      path: `${pathOf(id)}${query}`,
      headers: tag === null ? {} : { 'If-None-Match': tag },
      waitSeconds: Math.max(0, left),
    });
    if (isUnknown(answer)) return undefined;
    if (execution === undefined || answer.status !== 304) {
      execution = parseAnswer(answer, resourceSchema);
      if (onChange !== undefined) tag = answer.headers.get('etag');
      onChange?.(execution);
    }
    if (execution.done || left <= 0) return execution;
    // Something between may have dropped the preference, and asking again at once would be a flood.
    if (!answer.headers.has('preference-applied')) await sleep(Math.min(left, 1) * 1000);
  }
}
