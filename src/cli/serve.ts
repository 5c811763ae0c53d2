import { connect, type SandboxOptions } from './connect.ts';
import { report } from './errors.ts';

export interface ServeOptions extends Omit<SandboxOptions, 'server'> {
  readonly port: number;
  readonly host: string;
  readonly allowedHost: readonly string[];
  readonly allowImage: readonly string[];
}

/** Serves the API until a signal; resolves to the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const { listen } = await import('../http/listen.ts');
  const { metrics, flush } = await observe();
  const { executor, close } = await connect({ ...options, images: options.allowImage }, report);
  try {
    const server = await listen(executor, { ...options, onError: report, metrics });
    process.stderr.write(`gke-code-executor: listening on ${server.url.origin}\n`);
    await new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
    });
    await server.close();
    return 0;
  } finally {
    await close();
    await flush();
  }
}

/** What a server tells of itself; loaded here, since a single run has nobody to tell. */
async function observe() {
  const [{ prometheus }, { startTelemetry }] = await Promise.all([
    import('../telemetry/prometheus.ts'),
    import('../telemetry/start.ts'),
  ]);
  const { reader, text } = prometheus();
  const { flush } = await startTelemetry('gke-code-executor', process.env, [reader]);
  return { metrics: text, flush };
}
