import * as api from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { IMetricReader } from '@opentelemetry/sdk-metrics';
import { useOpenTelemetry } from './trace.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Telemetry {
  /** Sends what was recorded so far; never throws, and does not wait for a collector that is slow. */
  flush(): Promise<void>;
}

/** Keeps the current trace, which logs and messages name; nothing is recorded until somebody exports. */
export function keepTraces(): void {
  // Setting it a second time is refused, which is as good.
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  useOpenTelemetry(api);
}

/**
 * Keeps traces, and exports spans and metrics when an endpoint is set; the exporters are loaded only then. Metrics also
 * go to `readers`.
 */
export async function startTelemetry(
  service: string,
  env: Environment,
  readers: readonly IMetricReader[] = [],
): Promise<Telemetry> {
  keepTraces();
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all } = env;
  const traces = isSet(all) || isSet(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
  const metrics = isSet(all) || isSet(env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT']);
  if (!traces && !metrics && readers.length === 0) return { flush: async () => {} };
  const { startExport } = await import('./export.ts');
  return startExport({ service, traces, metrics, readers });
}

/** An empty variable counts as not set, as the specification says. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
