import { randomBytes } from 'node:crypto';
import { inProcessBus } from '../../src/bus/in-process.ts';
import { type Embedded, startEmbedded } from '../../src/embedded.ts';
import type { Executor } from '../../src/executor.ts';
import { type ListenOptions, listen } from '../../src/http/listen.ts';
import type { OnError } from '../../src/http/problem.ts';
import { localExecutor } from '../../src/local-executor.ts';
import type { Behaviour, Interpret } from '../../src/sandbox/memory/behaviour.ts';
import { memoryCluster } from '../../src/sandbox/memory/cluster.ts';
import { memorySandbox } from '../../src/sandbox/memory.ts';
import { createMemory, memoryStore } from '../../src/store/memory.ts';

/** A store and a cluster that outlive the processes on them, with programs that do what `behaviour` says. */
export function place(behaviour: Readonly<Record<string, Behaviour>> = {}) {
  const interpret: Interpret = (code) => behaviour[code] ?? {};
  const cluster = memoryCluster({ behaviour: interpret, delay: () => 1 });
  const memory = createMemory();
  const installation = { id: 'aaaaaaaa', secret: new Uint8Array(32) };
  const store = memoryStore({ installation, memory });
  const sandbox = memorySandbox({ cluster, installation: installation.id, namespaceUid: 'ns' });
  return {
    store,
    /** The whole pipeline over them. */
    start: (): Promise<Embedded> => startEmbedded({ store, sandbox, onError: () => {} }),
    /** An executor that only records: what it accepts stays accepted until somebody drives it. */
    recording: (): Executor => {
      const clock = { now: Date.now, sleep: async () => {} };
      const parts = { store, sandbox, bus: inProcessBus(), clock, randomBytes, process: null };
      return localExecutor({ ...parts, onError: () => {} }, 'local');
    },
  };
}

export interface Served extends AsyncDisposable {
  readonly url: URL;
  /** What the server reported, oldest first. */
  readonly reported: { readonly error: unknown; readonly instance: string }[];
  close(): Promise<void>;
}

/** The API of an executor on a free loopback port. */
export async function serve(executor: Executor, options: Partial<ListenOptions> = {}): Promise<Served> {
  const reported: { error: unknown; instance: string }[] = [];
  const onError: OnError = (error, instance) => void reported.push({ error, instance });
  const { url, close } = await listen(executor, { host: '127.0.0.1', port: 0, allowedHost: [], onError, ...options });
  return { url, reported, close, [Symbol.asyncDispose]: close };
}

/** Milliseconds in which a test of a slow client can wait for the server's patience to end. */
export const hasty = { headersMs: 300, requestMs: 400, keepAliveMs: 1_000, stalledMs: 5_000, closingMs: 300 };

export const hello = { language: 'python', code: 'hello' };

/** A POST as curl --json sends it. */
export function post(url: URL, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body:
      typeof body === 'string' || body instanceof Uint8Array ? new Uint8Array(Buffer.from(body)) : JSON.stringify(body),
  });
}
