import type { Execution } from '../execution/execution.ts';
import type { SandboxInput } from '../sandbox/sandbox.ts';
import { countRefusal } from '../telemetry/metrics.ts';
import { inTraceOf, withinTraceOf } from '../telemetry/trace.ts';
import { pages } from './pages.ts';
import { apply, isOurs, type Ports, specOf } from './ports.ts';
import { isRelayed } from './relay.ts';

/** Quota usage falls a moment after a delete, so a refusal is tried again within the same call. */
const quotaRetryMs = [200, 500, 1000, 2000];

/**
 * Launches what waits, oldest first, until nothing does or the cluster is full. The store is the queue and the bell
 * only a hint, so any bell launches whatever is next.
 */
export async function launch(ports: Ports): Promise<void> {
  let refusals = 0;
  for (;;) {
    const walk = await walkQueue(ports);
    if (walk.drained) return;
    refusals = walk.launched > 0 ? 1 : refusals + 1;
    const pause = quotaRetryMs[refusals - 1];
    if (pause === undefined) return;
    await ports.clock.sleep(pause);
  }
}

interface Walk {
  readonly drained: boolean;
  readonly launched: number;
}

/** Executions whose Job could not even be asked for, before the whole cluster is taken to be in trouble. */
const troubles = 3;

/**
 * Jobs are created one after the other, which keeps their order; the rest of each launch runs beside the next create.
 * One that fails holds up none behind it; its error is thrown in the end, so that the bell rings again.
 */
async function walkQueue(ports: Ports): Promise<Walk> {
  // Settled from the beginning: an error that nobody hears before the next Job is made would end the process.
  const begun: Promise<PromiseSettledResult<void>[]>[] = [];
  const errors: unknown[] = [];
  let drained = true;
  try {
    for await (const execution of accepted(ports)) {
      const create = () => ports.sandbox.create(specOf(execution));
      const creation = await inTraceOf(execution, 'launch execution', create).catch((error: unknown) => {
        errors.push(error);
      });
      if (creation === undefined) {
        if (errors.length === troubles) break;
      } else if (creation.kind === 'full') {
        countRefusal();
        const waiting = { reason: 'Quota', message: creation.message, curable: true } as const;
        await apply(ports, execution.id, { type: 'waiting', jobUid: null, waiting });
        drained = false;
        break;
      } else if (creation.kind === 'rejected') {
        await apply(ports, execution.id, { type: 'rejected', message: creation.message });
      } else {
        withinTraceOf(execution, () => {
          begun.push(Promise.allSettled([begin(ports, execution, creation.jobUid)]));
        });
      }
    }
  } catch (error) {
    // Thrown when what has begun has ended: a function must do nothing after its answer.
    errors.push(error);
  }
  for (const result of (await Promise.all(begun)).flat()) if (result.status === 'rejected') errors.push(result.reason);
  if (errors.length > 0) throw errors[0];
  return { drained, launched: begun.length };
}

/** Milliseconds for which a page is believed: a launcher beside this one may be half-way through it after that. */
const freshMs = 50;

async function* accepted(ports: Ports): AsyncGenerator<Execution> {
  const { store, sandbox, process, clock } = ports;
  const equal = { state: 'ACCEPTED', target: sandbox.target, owner: process ?? '' };
  for await (const page of pages(store, equal)) {
    const readAt = clock.now();
    for (const execution of page) {
      const isFresh = clock.now() - readAt <= freshMs;
      const known = isFresh ? execution : await store.executions.get(execution.id);
      if (known?.state === 'ACCEPTED' && isOurs(ports, known)) yield known;
    }
  }
}

/** Records the Job, then gives its start signal; a Job that the record does not name is deleted, and no code ran in it. */
async function begin(ports: Ports, { id }: Execution, jobUid: string): Promise<void> {
  const update = await apply(ports, id, { type: 'launched', jobUid });
  if (update?.after.state === 'ACCEPTED' || update === undefined || jobUidOf(update.after) !== jobUid) {
    await ports.sandbox.remove({ executionId: id, jobUid }, { wait: false });
    return;
  }
  const { after } = update;
  await inTraceOf(after, 'start execution', () => start(ports, after));
}

function jobUidOf(execution: Execution): string | null {
  return execution.state === 'ACCEPTED' ? null : execution.jobUid;
}

/** Milliseconds that a launcher may take from the record to the start signal, before another gives it in its place. */
export const launchPatienceMs = 5_000;

/** Drives on an execution whose launcher seems to have died before the start signal; leaves every other alone. */
export async function resume(ports: Ports, executionId: string): Promise<void> {
  const execution = await ports.store.executions.get(executionId);
  if (execution?.state !== 'LAUNCHING' || ports.clock.now() - execution.launchedAt <= launchPatienceMs) return;
  await inTraceOf(execution, 'start execution', () => start(ports, execution));
}

/** Gives the start signal to a launching execution of ours; harmless when it was given before. */
async function start(ports: Ports, execution: Execution): Promise<void> {
  if (execution.state !== 'LAUNCHING' || !isOurs(ports, execution)) return;
  const { store, sandbox, bus } = ports;
  const { id, jobUid, owner } = execution;
  const input = await inputOf(ports, execution);
  if (input === undefined) {
    // Ended and deleted meanwhile: its Job was fenced before.
    if ((await store.executions.get(id)) === undefined) return;
    throw new Error(`execution ${id} has lost its code`);
  }
  const permit = async (startedAt: number) => {
    const event = { type: 'started', jobUid, startedAt, epoch: owner?.epoch ?? null } as const;
    // Asked again when the answer was lost: what was permitted and not used could never start.
    const update = await apply(ports, id, event).catch(() => apply(ports, id, event));
    if (update?.after.state !== 'RUNNING') return false;
    return update.after.startedAt === startedAt && update.after.owner?.epoch === owner?.epoch;
  };
  const started = await sandbox.start({ executionId: id, jobUid }, specOf(execution), input, permit);
  if (started === 'absent') {
    await apply(ports, id, { type: 'lost', jobUid, message: 'its Job vanished before it started' });
    await bus.publish('execution-observed', { executionId: id });
    return;
  }
  if (started === 'started' && !(await isRelayed(ports))) await bus.publish('watch-wanted', { executionId: id });
}

/** The bytes of the request; undefined when they are gone. */
async function inputOf({ store }: Ports, { id, request }: Execution): Promise<SandboxInput | undefined> {
  const part = (name: keyof SandboxInput) => store.executions.part(id, name);
  const noFiles = request.files.length === 0 ? new Uint8Array() : undefined;
  const [code, stdin, files] = await Promise.all([part('code'), part('stdin'), noFiles ?? part('files')]);
  return code && stdin && files && { code, stdin, files };
}
