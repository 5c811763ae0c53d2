import type { Language } from '../execution/execution.ts';
import type { Executor } from '../executor.ts';
import { CliError, report } from './errors.ts';

/** Options that every command has: where executions are. */
export interface StoreOptions {
  readonly store?: string;
  readonly server?: string;
  readonly apiKey?: string;
}

/** Options of the commands that run code here. */
export interface SandboxOptions extends StoreOptions {
  readonly sandbox: 'wasm' | 'kubernetes';
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

export interface Connection<E> {
  readonly executor: E;
  close(): Promise<void>;
}

/** An executor that can run code: a server's, or a pipeline in this process. */
export async function connect(
  options: SandboxOptions & { readonly language?: Language | undefined; readonly images?: readonly string[] },
  onError: (error: unknown) => void,
): Promise<Connection<Executor>> {
  if (options.server !== undefined) return remote(options.server, options.apiKey);
  const { openEmbedded } = await import('../embedded.ts');
  return openEmbedded({ ...options, onError });
}

export interface StoreConnection extends Connection<Omit<Executor, 'submit'>> {
  /** Whether a process lives that drives what is open, as a server is; embedded ones may all be gone. */
  isAttended(): Promise<boolean>;
}

/** An executor that runs nothing itself: a server's, or the store file, whose owners act on what is written there. */
export async function connectToStore(options: StoreOptions): Promise<StoreConnection> {
  if (options.server !== undefined) {
    return { ...(await remote(options.server, options.apiKey)), isAttended: async () => true };
  }
  const { openStore } = await import('../embedded.ts');
  const { reader, storeWriter } = await import('../local-executor.ts');
  const store = await openStore(options.store, report);
  return {
    executor: { ...reader(store), ...storeWriter(store) },
    isAttended: async () => {
      const { liveProcesses } = await import('../pipeline/reconcile.ts');
      return (await liveProcesses({ store, clock: { now: Date.now } })).size > 0;
    },
    close: async () => store.close(),
  };
}

async function remote(server: string, apiKey: string | undefined): Promise<Connection<Executor>> {
  const url = URL.parse(server);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CliError(`--server ${server} is not a URL; give one such as http://127.0.0.1:8080`);
  }
  const { httpExecutor } = await import('../client/client.ts');
  return {
    executor: httpExecutor({ server: url, ...(apiKey === undefined ? {} : { apiKey }) }),
    close: async () => {},
  };
}
