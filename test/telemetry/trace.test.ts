import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { cancel } from '../../src/pipeline/cancel.ts';
import { toResource } from '../../src/resource.ts';
import { currentTraceparent, inSpan, inTraceOf, withTrace } from '../../src/telemetry/trace.ts';
import { record, recorded, tracedWorld } from './recording.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const request = `00-${traceId}-b7ad6b7169203331-01`;
const otherTraceId = 'c'.repeat(32);
const otherRequest = `00-${otherTraceId}-b7ad6b7169203331-01`;
const canaries = {
  code: 'print("canary-output")\n"canary-code"',
  fields: { env: { SECRET: 'canary-env' }, args: ['canary-argument'], labels: { a: 'canary-label' } },
};

beforeEach(record);

/** A world in which somebody watches until the test is over. */
function watched(options?: Parameters<typeof tracedWorld>[0]) {
  const w = tracedWorld(options);
  const over = new AbortController();
  onTestFinished(() => over.abort());
  const relay = w.relay(over.signal);
  const end = async () => {
    over.abort();
    await relay;
  };
  return { ...w, end };
}

/** The first that ended; messages that are delivered more than once make more of some. */
function first(name: string) {
  const [span] = recorded(name);
  if (span === undefined) throw new Error(`no span ${name}`);
  return span;
}

function parentOf(name: string): string | undefined {
  const parent = first(name).parentSpanContext?.spanId;
  return recorded().find((span) => span.spanContext().spanId === parent)?.name ?? parent;
}

test('everything done for an execution is in the trace of its request, although the relay has another', async () => {
  const w = watched();
  const id = await withTrace(request, () => w.submit(w.ports, canaries.code, canaries.fields));
  await w.ended(id);
  await w.clock.pass(5_000);
  await w.end();
  const own = recorded().filter(({ attributes }) => attributes['executionId'] === id);
  expect(new Set(own.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]));
  const parents = Object.fromEntries(
    ['submit execution', 'publish execution-requested', 'launch', 'launch execution', 'create Job'].map((name) => [
      name,
      parentOf(name),
    ]),
  );
  expect(parents).toEqual({
    'submit execution': 'b7ad6b7169203331',
    'publish execution-requested': 'submit execution',
    launch: 'publish execution-requested',
    'launch execution': 'launch',
    'create Job': 'launch execution',
  });
  expect(parentOf('start execution')).toBe('launch');
  expect(parentOf('create ConfigMap')).toBe('start execution');
  expect(parentOf('store started')).toBe('submit execution');
  expect(parentOf('complete execution')).toBe('submit execution');
  expect(parentOf('read log')).toBe('complete execution');
  expect(parentOf('store ended')).toBe('complete execution');
  expect(parentOf('delete Job')).toBe('complete execution');
  expect(first('store ended').attributes).toEqual({ executionId: id, state: 'SUCCEEDED', language: 'python' });
  expect(first('watch').spanContext().traceId).not.toBe(traceId);
  const deliveries = recorded('complete').map((span) => span.spanContext().spanId);
  expect(recorded('complete execution').flatMap(({ links }) => links.map(({ context }) => context.spanId))).toEqual(
    deliveries,
  );
  expect(
    JSON.stringify(recorded().map(({ name, attributes, events, status }) => [name, attributes, events, status])),
  ).not.toContain('canary');
});

test('an execution that another bell launches is in the trace of its own request', async () => {
  const w = watched();
  const silent = { ...w.ports, bus: { ...w.ports.bus, publish: async () => {} } };
  const first = await withTrace(request, () => w.submit(silent, 'print("a")'));
  const second = await withTrace(otherRequest, () => w.submit(w.ports, 'print("b")'));
  await w.ended(first);
  await w.ended(second);
  const traces = (id: string) =>
    new Set(
      recorded()
        .filter(({ attributes }) => attributes['executionId'] === id)
        .map((span) => span.spanContext().traceId),
    );
  expect(traces(first)).toEqual(new Set([traceId]));
  expect(traces(second)).toEqual(new Set([otherTraceId]));
});

test('the record keeps the trace to its end, and callers do not see it', async () => {
  const w = watched();
  const id = await withTrace(request, () => w.submit(w.ports, 'print("a")'));
  const ended = await w.ended(id);
  expect(ended.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  expect(JSON.stringify(toResource(ended))).not.toContain(traceId);
});

test('a cancellation acts in the trace of the execution, not in that of its own request', async () => {
  const w = watched();
  const id = await withTrace(request, () => w.submit(w.ports, 'while True: pass'));
  await w.clock.until(async () => (await w.get(id)).state === 'RUNNING');
  await withTrace(otherRequest, () => cancel(w.ports, id));
  await w.ended(id);
  const rung = recorded('publish execution-observed').filter((span) => span.spanContext().traceId === traceId);
  expect(rung).toHaveLength(1);
  expect(recorded().filter((span) => span.spanContext().traceId === otherTraceId)).toEqual([]);
  const [link] = first('store cancelRequested').links;
  expect(link?.context.traceId).toBe(otherTraceId);
});

test('an execution that was submitted in no trace belongs to that of whoever works on it', async () => {
  const w = watched();
  const id = await w.submit(w.ports, 'print("a")');
  const untraced = { ...(await w.ended(id)), traceparent: undefined };
  await withTrace(request, () => inTraceOf(untraced, 'working', async () => {}));
  expect(first('working').parentSpanContext).toMatchObject({ traceId, spanId: 'b7ad6b7169203331' });
});

test('a span tells the kind of an error, not its words', async () => {
  const failing = async () => {
    throw new RangeError('canary-code is wrong');
  };
  await expect(inSpan('failing', {}, failing)).rejects.toThrow(RangeError);
  expect(first('failing')).toMatchObject({
    attributes: { 'error.type': 'RangeError' },
    status: { code: 2 },
    events: [],
  });
  expect(first('failing').status.message).toBeUndefined();
});

test.each(['', 'garbage', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `${request}\n`])(
  'the trace context %j of a caller is ignored',
  (given) => withTrace(given, () => expect(currentTraceparent()).toBeUndefined()),
);

test('a trace that is not sampled is passed on and not recorded', async () => {
  const unsampled = `${request.slice(0, -2)}00`;
  await withTrace(unsampled, () =>
    inSpan('unseen', {}, async () => expect(currentTraceparent()).toMatch(new RegExp(`^00-${traceId}-.*-00$`))),
  );
  expect(recorded()).toEqual([]);
});
