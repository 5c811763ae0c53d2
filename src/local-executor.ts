import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidRequestError } from './errors.ts';
import { type Execution, isFinal } from './execution/execution.ts';
import { unpackFiles } from './execution/files.ts';
import { parseRequest } from './execution/request.ts';
import type { Executor, ListOptions } from './executor.ts';
import { cancel } from './pipeline/cancel.ts';
import type { SubmitPorts } from './pipeline/ports.ts';
import { find, remove } from './pipeline/retention.ts';
import { submit } from './pipeline/submit.ts';
import { toResource } from './resource.ts';
import type { Store } from './store/executions.ts';

/** What needs only the store: looking at executions, without a sandbox and without driving any. */
type Reader = Pick<Executor, 'get' | 'list' | 'output' | 'files' | 'wait'>;

export function reader(store: Store): Reader {
  const part = async (id: string, name: string) => {
    if ((await find(store, id)) === undefined) return undefined;
    const kept = await store.executions.part(id, name);
    // Looked for again, since what was deleted in between did not print nothing.
    return kept ?? ((await find(store, id)) && new Uint8Array());
  };
  return {
    get: async (id) => shown(await find(store, id)),
    list: (options) => list(store, options),
    output: part,
    files: async (id) => {
      const packed = await part(id, 'outputFiles');
      return packed && unpackFiles(packed);
    },
    wait: (id, seconds, onChange) => wait(store, id, seconds, (execution) => onChange?.(toResource(execution))),
  };
}

/** The executor of this process: its callers are one, `caller`. */
export function localExecutor(ports: SubmitPorts, caller: string): Executor {
  const { sandbox, store } = ports;
  const rules = {
    minimumMemoryMiB: (language: Execution['request']['language']) => sandbox.minimumMemoryMiB(language),
    images: sandbox.kind === 'wasm' ? ('none' as const) : (ports.images ?? ('any' as const)),
  };
  return {
    ...reader(store),
    submit: async (body, { idempotencyKey }) => {
      const parsed = parseRequest(body, rules);
      if (!parsed.ok) throw new InvalidRequestError(parsed.problems);
      const { execution, created } = await submit(ports, parsed.submission, { caller, idempotencyKey });
      return { execution: toResource(execution), created };
    },
    ...writer(ports),
  };
}

/** What changes executions in the store alone; the process that drives one acts on what it finds there within seconds. */
export function storeWriter(store: Store): Writer {
  const bus = { publish: async () => {}, subscribe: () => {} };
  return writer({ store, bus, clock: { now: Date.now } });
}

type Writer = Pick<Executor, 'cancel' | 'remove'>;

function writer(ports: Parameters<typeof cancel>[0]): Writer {
  return {
    cancel: async (id) => shown((await cancel(ports, id)) ?? (await find(ports.store, id))),
    remove: (id) => remove(ports, id),
  };
}

function shown(execution: Execution | undefined) {
  return execution === undefined ? undefined : toResource(execution);
}

async function list(store: Store, { state, limit, cursor }: ListOptions) {
  const page = await store.executions.query({
    equal: state === undefined ? {} : { state },
    direction: 'descending',
    limit,
    ...(cursor === undefined ? {} : { after: cursor }),
  });
  return { executions: page.items.map(toResource), next: page.next };
}

/** Seconds after which a wait looks by itself: of what was deleted as soon as it ended no watch may tell. */
const lookSeconds = 5;

async function wait(store: Store, id: string, seconds: number, onChange: (execution: Execution) => void) {
  if ((await find(store, id)) === undefined) return undefined;
  const over = new AbortController();
  const stop = store.executions.watch(id, (execution) => {
    onChange(execution);
    if (isFinal(execution)) over.abort();
  });
  try {
    let left = seconds;
    for (; left > lookSeconds; left -= lookSeconds) {
      await sleep(lookSeconds * 1000, undefined, { signal: over.signal });
      await find(store, id);
    }
    await sleep(left * 1000, undefined, { signal: over.signal });
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    stop();
  }
  return shown(await find(store, id));
}
