import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { type IMetricReader, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Telemetry } from './start.ts';
import { recordWith } from './trace.ts';

/** Milliseconds that an answer waits for the collector; a batch that is under way then may still arrive. */
const patienceMs = 2_000;

export interface ExportOptions {
  /** Service that spans and metrics are of, unless OTEL_SERVICE_NAME names another. */
  readonly service: string;
  readonly traces: boolean;
  readonly metrics: boolean;
  /** Others that want the metrics. */
  readonly readers: readonly IMetricReader[];
}

/** Exports by OTLP over HTTP in JSON; the exporters read their addresses and headers from the environment themselves. */
export function startExport({ service, ...signals }: ExportOptions): Telemetry {
  // Instances count each for themselves: without an id of its own one would overwrite the other's sums.
  const own = resourceFromAttributes({ 'service.name': service, 'service.instance.id': randomUUID() });
  const resource = defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [envDetector] }));
  const flushes: (() => Promise<void>)[] = [];
  if (signals.traces) {
    const exporter = new OTLPTraceExporter();
    const tracers = new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor({ exporter })] });
    recordWith({ tracers });
    flushes.push(() => tracers.forceFlush());
  }
  const readers = [...signals.readers];
  if (signals.metrics) readers.push(new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() }));
  const meters = new MeterProvider({ resource, readers });
  recordWith({ meters });
  flushes.push(() => meters.forceFlush());
  return {
    flush: async () => {
      const over = new AbortController();
      const all = Promise.allSettled(flushes.map((flush) => flush()));
      await Promise.race([all, sleep(patienceMs, undefined, { signal: over.signal }).catch(() => {})]);
      over.abort();
    },
  };
}
