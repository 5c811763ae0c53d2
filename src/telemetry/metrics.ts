import type { Attributes, MetricOptions } from '@opentelemetry/api';
import { type Execution, type FinalExecution, isFinal } from '../execution/execution.ts';
import { meter, pastSpan, tracer } from './trace.ts';

const seconds: MetricOptions = {
  unit: 's',
  advice: { explicitBucketBoundaries: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600] },
};

/**
 * Remembers when a change of a record began, and notes what became of it. Who changes nothing notes nothing, so that an
 * ending, which is never changed, is counted once.
 */
export function updating(
  event: string,
): (update: { readonly before: Execution; readonly after: Execution } | undefined) => void {
  if (tracer() === undefined) return () => {};
  const began = Date.now();
  return (update) => {
    if (update === undefined || update.after === update.before) return;
    pastSpan(update.after, `store ${event}`, began);
    if (isFinal(update.after)) countEnding(update.after);
  };
}

function countEnding(execution: FinalExecution): void {
  const { state, fault, request, acceptedAt, startedAt, finishedAt, endedAt } = execution;
  const attributes = { state, fault: fault ?? 'none', language: request.language };
  count('gke_code_executor.executions', 'executions that have ended, by how and through whose fault', attributes);
  if (startedAt === null) return;
  const { language } = request;
  measure('gke_code_executor.execution.start', 'from accepted to started', startedAt - acceptedAt, { language });
  const ended = finishedAt ?? endedAt;
  measure('gke_code_executor.execution.duration', 'from started to ended', ended - startedAt, { language, state });
}

/** The cluster has no room for another Job. */
export function countRefusal(): void {
  count('gke_code_executor.queue.refusals', 'Jobs that the quota of the namespace refused', {});
}

/** A second request for the same instrument gets the first one. */
function count(name: string, description: string, attributes: Attributes): void {
  meter()?.createCounter(name, { description }).add(1, attributes);
}

/** Times of kubelet and ours are of different clocks, the kubelet's in whole seconds. */
function measure(name: string, description: string, milliseconds: number, attributes: Attributes): void {
  const histogram = meter()?.createHistogram(name, { ...seconds, description });
  histogram?.record(Math.max(0, milliseconds) / 1000, attributes);
}
