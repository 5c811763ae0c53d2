import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import type { IMetricReader } from '@opentelemetry/sdk-metrics';

export interface Prometheus {
  readonly reader: IMetricReader;
  /** All metrics so far in Prometheus' text format. */
  text(): Promise<string>;
}

/** Metrics to be fetched; the exporter's own server is not started, since ours answers. */
export function prometheus(): Prometheus {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer();
  return { reader, text: async () => serializer.serialize((await reader.collect()).resourceMetrics) };
}
