import { currentTraceparent } from './telemetry/trace.ts';

type Severity = 'WARNING' | 'ERROR';

/** What a line may say beside its message; never code, output, environment or keys. */
export interface LogFields {
  readonly executionId?: string | undefined;
  readonly error?: unknown;
  readonly [name: string]: unknown;
}

export interface Log {
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LogOptions {
  readonly projectId: string | undefined;
  /** Takes one line, without its line feed. Default: standard output. */
  readonly write?: (line: string) => void;
}

/** Text of an error that is passed on; what comes after may quote whole objects. */
const maxErrorLength = 500;

/** Structured logs as Cloud Logging reads them: https://cloud.google.com/logging/docs/structured-logging. */
export function jsonLog({ projectId, write = toStdout }: LogOptions): Log {
  const line = (severity: Severity, message: string, { error, ...fields }: LogFields = {}) =>
    write(
      JSON.stringify({
        severity,
        message,
        time: new Date().toISOString(),
        ...fields,
        ...(error === undefined ? {} : { error: textOf(error) }),
        ...traceOf(projectId),
      }),
    );
  return {
    warning: (message, fields) => line('WARNING', message, fields),
    error: (message, fields) => line('ERROR', message, fields),
  };
}

/** A line that cannot be written is lost, and ends no execution. */
function toStdout(line: string): void {
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => {});
  process.stdout.write(`${line}\n`);
}

/** Its name and message; a stack would tell more of our files than of the fault. */
function textOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, maxErrorLength);
}

function traceOf(projectId: string | undefined): Record<string, string> {
  const [, traceId, spanId] = currentTraceparent()?.split('-') ?? [];
  if (traceId === undefined || spanId === undefined) return {};
  return {
    'logging.googleapis.com/trace': projectId === undefined ? traceId : `projects/${projectId}/traces/${traceId}`,
    'logging.googleapis.com/spanId': spanId,
  };
}
