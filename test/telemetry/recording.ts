import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Bus } from '../../src/bus/bus.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { launch } from '../../src/pipeline/launch.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { watch } from '../../src/pipeline/watch.ts';
import { tracedBus, tracedSandbox } from '../../src/telemetry/ports.ts';
import { keepTraces } from '../../src/telemetry/start.ts';
import { currentTraceparent, inSpan, recordWith, withTrace } from '../../src/telemetry/trace.ts';
import { type WorldOptions, world } from '../pipeline/world.ts';

const spans = new InMemorySpanExporter();
const reader = new PeriodicExportingMetricReader({
  exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
  exportIntervalMillis: 3_600_000,
});
keepTraces();
recordWith({
  tracers: new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
  meters: new MeterProvider({ readers: [reader] }),
});

/** Spans that have ended, of one name when it is given. */
export function recorded(name?: string): readonly ReadableSpan[] {
  return spans.getFinishedSpans().filter((span) => name === undefined || span.name === name);
}

/** Forgets the spans of before. */
export function record(): void {
  spans.reset();
}

/** Every point of every metric so far. */
export async function points() {
  const { resourceMetrics } = await reader.collect();
  return resourceMetrics.scopeMetrics
    .flatMap((scope) => scope.metrics)
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ name: descriptor.name, attributes, value })),
    );
}

/** The use cases as functions run them: messages carry the trace of whoever published, and the relay has its own. */
export function tracedWorld(options?: WorldOptions) {
  const w = world(options);
  const plain = w.ports();
  const ports = { ...plain, bus: tracedBus(carrying(plain.bus)), sandbox: tracedSandbox(plain.sandbox) };
  ports.bus.subscribe('execution-requested', () => inSpan('launch', { kind: 'consumer' }, () => launch(ports)));
  ports.bus.subscribe('execution-observed', ({ executionId }) =>
    inSpan('complete', { kind: 'consumer' }, () => complete(ports, executionId)),
  );
  ports.bus.subscribe('watch-wanted', async () => {});
  const relaying = (own: Ports, signal: AbortSignal) =>
    inSpan('watch', { kind: 'consumer', root: true }, () => watch(own, signal, () => {}));
  return { ...w, ports, relay: (signal: AbortSignal) => relaying(ports, signal) };
}

/** A bus as Pub/Sub is one: a message carries the trace context, and nothing else goes with it. */
function carrying(bus: Bus): Bus {
  const traces = new Map<string, string | undefined>();
  return {
    publish: (topic, message) => {
      traces.set(`${topic} ${message.executionId}`, currentTraceparent());
      return bus.publish(topic, message);
    },
    subscribe: (topic, handler) =>
      bus.subscribe(topic, (message) =>
        withTrace(traces.get(`${topic} ${message.executionId}`), () => handler(message)),
      ),
  };
}
