import type {
  Attributes,
  Link,
  Meter,
  MeterProvider,
  Span,
  SpanContext,
  Tracer,
  TracerProvider,
} from '@opentelemetry/api';
import type { Execution } from '../execution/execution.ts';

export type OpenTelemetry = typeof import('@opentelemetry/api');

let otel: OpenTelemetry | undefined;

/** Where nobody calls this, as in the command line, spans and metrics cost nothing and the package is not even loaded. */
export function useOpenTelemetry(api: OpenTelemetry): void {
  otel = api;
}

interface Providers {
  readonly tracers?: TracerProvider;
  readonly meters?: MeterProvider;
}

let providers: Providers = {};

/** Records with these. They are not made global: Google's clients would add spans, which quote the words of errors. */
export function recordWith(more: Providers): void {
  providers = { ...providers, ...more };
}

const scope = 'gke-code-executor';

/** Undefined where nothing keeps traces. */
export function tracer(): Tracer | undefined {
  return (providers.tracers ?? otel?.trace)?.getTracer(scope);
}

/** Undefined where nothing takes metrics. */
export function meter(): Meter | undefined {
  return providers.meters?.getMeter(scope);
}

/** What a span may tell: ids and kinds; never code, output, arguments or environment. */
export interface SpanOptions {
  readonly kind?: 'server' | 'consumer' | 'producer';
  readonly attributes?: Attributes;
  readonly links?: readonly Link[];
  /** Begins a trace of its own, which only links to the one at hand. */
  readonly root?: boolean;
}

/** Does the work within a span; an error that ends it is told by its kind alone, since its words may quote a request. */
export function inSpan<R>(
  name: string,
  { kind, attributes = {}, links = [], root = false }: SpanOptions,
  work: (span?: Span) => Promise<R>,
): Promise<R> {
  const ours = tracer();
  if (otel === undefined || ours === undefined) return work();
  const { context, trace, SpanKind, SpanStatusCode } = otel;
  const kinds = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER, producer: SpanKind.PRODUCER };
  const options = {
    kind: kind === undefined ? SpanKind.INTERNAL : kinds[kind],
    attributes,
    links: root ? [...links, ...linkTo(trace.getSpanContext(context.active()))] : [...links],
    root,
  };
  return ours.startActiveSpan(name, options, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/**
 * Does the work within the execution's trace, the one it was submitted in: below the span at hand when that belongs to it,
 * else right below its request. It hears of the span that it leaves.
 */
export function withinTraceOf<R>({ traceparent }: Execution, work: (links: readonly Link[]) => R): R {
  if (otel === undefined) return work([]);
  const { context, trace } = otel;
  const current = trace.getSpanContext(context.active());
  const own = parse(otel, traceparent);
  if (own === undefined || own.traceId === current?.traceId) return work([]);
  return context.with(trace.setSpanContext(context.active(), own), () => work(linkTo(current)));
}

/** Does the work within a span of the execution's trace. */
export function inTraceOf<R>(execution: Execution, name: string, work: () => Promise<R>): Promise<R> {
  return withinTraceOf(execution, (links) => inSpan(name, { attributes: attributesOf(execution), links }, work));
}

/** Writes down work of an execution that was done since `began`, in milliseconds since the Unix epoch. */
export function pastSpan(execution: Execution, name: string, began: number): void {
  withinTraceOf(execution, (links) => {
    const options = { attributes: attributesOf(execution), links: [...links], startTime: began };
    tracer()?.startSpan(name, options).end();
  });
}

export function attributesOf({ id, state, request }: Execution): Attributes {
  return { executionId: id, state, language: request.language };
}

/** Does the work within the trace that a W3C trace context names (https://www.w3.org/TR/trace-context/), or in none. */
export function withTrace<R>(traceparent: string | undefined, work: () => R): R {
  if (otel === undefined) return work();
  const { ROOT_CONTEXT, context, trace } = otel;
  const caller = parse(otel, traceparent);
  return context.with(caller === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, caller), work);
}

/** W3C trace context of the work at hand. */
export function currentTraceparent(): string | undefined {
  const span = otel?.trace.getSpanContext(otel.context.active());
  if (span === undefined || otel?.isSpanContextValid(span) !== true) return undefined;
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}

function linkTo(span: SpanContext | undefined): Link[] {
  return span === undefined ? [] : [{ context: span }];
}

/** https://www.w3.org/TR/trace-context/#traceparent-header, with trace, span and flags as groups. */
export const traceparentPattern = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/;

function parse({ isSpanContextValid }: OpenTelemetry, traceparent = ''): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = traceparentPattern.exec(traceparent) ?? [];
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(span) ? span : undefined;
}
