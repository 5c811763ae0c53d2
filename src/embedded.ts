import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inProcessBus } from './bus/in-process.ts';
import type { Language } from './execution/execution.ts';
import { base32 } from './execution/identity.ts';
import type { Executor } from './executor.ts';
import { localExecutor } from './local-executor.ts';
import { complete } from './pipeline/complete.ts';
import { endOwn } from './pipeline/end-own.ts';
import { heeder } from './pipeline/heed.ts';
import { inTurn } from './pipeline/in-turn.ts';
import { launcher } from './pipeline/launcher.ts';
import type { Ports } from './pipeline/ports.ts';
import { reconcile, sweep } from './pipeline/reconcile.ts';
import { retire } from './pipeline/retention.ts';
import { watch } from './pipeline/watch.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import type { Spare } from './sandbox/wasm/spare.ts';
import type { Store } from './store/executions.ts';
import type { SqliteStore } from './store/sqlite.ts';
import { systemClock } from './system-clock.ts';
import { tracedBus, tracedSandbox } from './telemetry/ports.ts';

/** Milliseconds. A lease outlives two renewals that fail; a takeover can begin that long after a process died. */
const lease = { duration: 6_000, renewal: 2_000 };
/** Milliseconds between rounds of the reconciler, and rounds between sweeps of the sandbox and of old records. */
const rounds = { pause: 3_000, sweepEvery: 10 };
/** Milliseconds that our end waits for the records of what dies with us; what comes later is the next process's to say. */
const endingWaitMs = 2_000;

export interface EmbeddedOptions {
  readonly store: Store;
  readonly sandbox: Sandbox;
  /** Images that a request may name beside the default ones; absent: any. */
  readonly images?: readonly string[] | undefined;
  /** Hears of every error that the pipeline will retry by itself. */
  readonly onError: (error: unknown) => void;
}

export interface Embedded {
  readonly executor: Executor;
  /**
   * Stops driving executions and gives up the lease. What runs in children of this process ends with it; what is open
   * then is taken over by the next process.
   */
  close(): Promise<void>;
}

/** The whole pipeline in this process, over the given store and sandbox. */
export async function startEmbedded({ store, sandbox, images, onError }: EmbeddedOptions): Promise<Embedded> {
  const process = base32(randomBytes(10));
  const ending = new AbortController();
  // What is cut off by our own end is taken up by the next process, and no news.
  const report = (error: unknown) => {
    if (!ending.signal.aborted) onError(error);
  };
  const bus = inProcessBus({ onError: (_topic, _message, error) => report(error) });
  const ports: Ports = {
    ...{ store, bus: tracedBus(bus), sandbox: tracedSandbox(sandbox) },
    ...{ clock: systemClock, randomBytes, process },
  };
  bus.subscribe('execution-requested', launcher(ports));
  bus.subscribe('execution-observed', ({ executionId }) => complete(ports, executionId));
  // The sandbox is watched from the beginning, and the first list finds what a process before this one left; of what is
  // launched here only the record remains to be watched.
  const heed = heeder(ports, ending.signal, report);
  bus.subscribe('watch-wanted', async ({ executionId }) => heed(executionId));
  await renew(store, process);
  const loops = [
    watch(ports, ending.signal, report),
    every(lease.renewal, () => renew(store, process), ending.signal, report),
    reconcileLoop(ports, ending.signal, report),
  ];
  return {
    executor: localExecutor({ ...ports, images, onError: report }, 'local'),
    close: async () => {
      ending.abort();
      await bus.close();
      await Promise.all(loops);
      if (sandbox.kind === 'wasm') await within(endingWaitMs, endChildren(ports).catch(report));
      await store.leases.remove(process);
    },
  };
}

export interface EmbeddedConfig {
  /** Store file; default: in the XDG state directory. */
  readonly store?: string;
  readonly sandbox: 'wasm' | 'kubernetes';
  /** As kubectl finds them when they are not given. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  /** Language of the first program, whose WASM interpreter then starts while everything else is opened. */
  readonly language?: Language | undefined;
  readonly images?: readonly string[] | undefined;
  readonly onError: (error: unknown) => void;
}

/** Opens the store file; throws UnavailableError with the fix when it cannot be used. See `SqliteOptions` for `onError`. */
export async function openStore(path?: string, onError?: (error: unknown) => void): Promise<SqliteStore> {
  const { defaultStorePath, sqliteStore } = await import('./store/sqlite.ts');
  return sqliteStore({ path: path ?? defaultStorePath(globalThis.process.env), onError });
}

/** The pipeline of the command line: store file, in-process bus, and the sandbox asked for. */
export async function openEmbedded(config: EmbeddedConfig): Promise<Embedded> {
  const opened: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const closeOne of opened.toReversed()) await closeOne();
  };
  try {
    const spare = await spareFor(config);
    if (spare !== undefined) opened.push(spare.close);
    const store = await openStore(config.store, config.onError);
    opened.push(store.close);
    const sandbox = await openSandbox(config, store, spare);
    opened.push(sandbox.close);
    const embedded = await startEmbedded({ store, sandbox, images: config.images, onError: config.onError });
    opened.push(embedded.close);
    return { executor: embedded.executor, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function spareFor({ sandbox, language }: EmbeddedConfig): Promise<Spare | undefined> {
  if (sandbox !== 'wasm' || language === undefined) return undefined;
  const { spareChild } = await import('./sandbox/wasm/spare.ts');
  const { isWasmLanguage } = await import('./sandbox/wasm/program.ts');
  return isWasmLanguage(language) ? spareChild(language) : undefined;
}

/** Loaded on demand: the Kubernetes client alone takes longer to load than a WASM program to run. */
async function openSandbox(
  { sandbox, kubeconfig, context, namespace }: EmbeddedConfig,
  { installation }: Store,
  spare: Spare | undefined,
): Promise<Sandbox & { close(): Promise<void> }> {
  if (sandbox === 'kubernetes') {
    const { kubernetesSandbox } = await import('./sandbox/kubernetes/sandbox.ts');
    return kubernetesSandbox({ kubeconfig, context, namespace, installation });
  }
  const { wasmSandbox } = await import('./sandbox/wasm/sandbox.ts');
  return wasmSandbox({ installation: installation.id, ...(spare === undefined ? {} : { spawn: spare.spawn }) });
}

async function renew(store: Store, id: string): Promise<void> {
  const lasting = { id, expiresAt: Date.now() + lease.duration };
  const { created } = await store.leases.create(lasting);
  if (!created) await store.leases.update(id, () => lasting);
}

async function reconcileLoop(ports: Ports, signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
  let round = 0;
  const tick = () => {
    const isSweeping = round++ % rounds.sweepEvery === 0;
    const seldom = isSweeping ? [() => sweep(ports), () => retire(ports)] : [];
    return inTurn(
      ...seldom,
      () => reconcile(ports),
      () => forgetDeadProcesses(ports),
    );
  };
  await every(rounds.pause, tick, signal, onError);
}

async function endChildren(ports: Ports): Promise<void> {
  const { ownerLost } = await import('./sandbox/wasm/pod-ending.ts');
  await endOwn(ports, ownerLost);
}

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const late = sleep(limitMs, undefined, { signal: over.signal }).catch(() => {
    // The work is done.
  });
  await Promise.race([work, late]);
  over.abort();
}

/** A lease that ran out long ago has been acted upon by every process there is. */
async function forgetDeadProcesses({ store, clock }: Ports): Promise<void> {
  const { items } = await store.leases.query({ equal: {}, direction: 'ascending', limit: 20 });
  const old = items.filter(({ expiresAt }) => expiresAt < clock.now() - 60_000);
  await Promise.all(old.map(({ id }) => store.leases.remove(id)));
}

/** Runs `work` at once and then after every pause, until the abort; an error is reported and does not end the loop. */
async function every(
  pauseMs: number,
  work: () => Promise<unknown>,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch(onError);
    await sleep(pauseMs, undefined, { signal }).catch(() => {
      // The abort is the loop's condition.
    });
  }
}
