import { type Execution, isFinal } from '../execution/execution.ts';
import type { Job } from '../sandbox/sandbox.ts';
import { inTraceOf, withinTraceOf } from '../telemetry/trace.ts';
import { endAbandoned } from './abandoned.ts';
import { enforceDeadlines } from './deadlines.ts';
import { inTurn } from './in-turn.ts';
import { launchPatienceMs } from './launch.ts';
import { pages } from './pages.ts';
import { apply, isOurs, type Ports, type Recorder } from './ports.ts';
import { isRelayed } from './relay.ts';

/** How long a step may take before the reconciler looks after it, so that it does not run beside a healthy one. */
const patienceMs = { launching: launchPatienceMs, running: 30_000 };

/**
 * One round over all open executions of this target: enforces every deadline, drives on what a dead process left, and
 * rings again; where executions have no owners, it also ends what other targets left, which nobody serves any more. It
 * goes over all there are, fifty at a time, so that it takes as long as there are many. What fails for one is thrown at
 * the end. Safe beside itself and beside every handler. Resolves to the number of open executions seen.
 */
export async function reconcile(ports: Ports): Promise<number> {
  const { target } = ports.sandbox;
  // Where executions have owners, other targets are those of other processes that live.
  const equal = ports.process === null ? { open: 'yes' } : { open: 'yes', target };
  const errors: unknown[] = [];
  let seen = 0;
  let waiting: Execution | undefined;
  let launched: Execution | undefined;
  for await (const page of pages(ports.store, equal)) {
    const looks = await lookAfter(ports, page);
    waiting ??= looks.waiting;
    launched ??= looks.launched;
    errors.push(...looks.errors);
    seen += page.length;
  }
  await ringAgain(ports, waiting, launched);
  if (errors.length > 0) throw errors[0];
  return seen;
}

interface Looks {
  /** The first that waits to be launched. */
  readonly waiting: Execution | undefined;
  /** The first that was. */
  readonly launched: Execution | undefined;
  readonly errors: readonly unknown[];
}

async function lookAfter(ports: Ports, page: readonly Execution[]): Promise<Looks> {
  // Read after the records: whoever wrote one of them had its lease before.
  const alive = ports.process === null ? undefined : await liveProcesses(ports);
  const looks = await Promise.allSettled(
    page.map(async (item) => {
      if (item.target !== ports.sandbox.target) return withinTraceOf(item, () => endAbandoned(ports, item));
      const execution = alive === undefined ? item : await adopt(ports, item, alive);
      if (execution === undefined) return undefined;
      const waits = await withinTraceOf(execution, () => tend(ports, execution, execution !== item));
      return { execution, waits };
    }),
  );
  const done = looks.flatMap((look) => (look.status === 'fulfilled' && look.value ? [look.value] : []));
  return {
    waiting: done.find(({ waits }) => waits)?.execution,
    launched: done.find(({ execution }) => execution.state !== 'ACCEPTED')?.execution,
    errors: looks.flatMap((look) => (look.status === 'rejected' ? [look.reason] : [])),
  };
}

async function ringAgain(ports: Ports, waiting: Looks['waiting'], launched: Looks['launched']): Promise<void> {
  if (waiting !== undefined) {
    const { id } = waiting;
    await withinTraceOf(waiting, () => ports.bus.publish('execution-requested', { executionId: id }));
  }
  if (launched !== undefined && !(await isRelayed(ports))) {
    await ports.bus.publish('watch-wanted', { executionId: launched.id });
  }
}

/** Tells of an execution whether it still waits to be launched, after doing for it what is due. */
async function tend(ports: Ports, execution: Execution, adopted: boolean): Promise<boolean> {
  if (await enforceDeadlines(ports, execution)) return false;
  const now = ports.clock.now();
  const observed = () => ports.bus.publish('execution-observed', { executionId: execution.id });
  switch (execution.state) {
    case 'ACCEPTED':
      return true;
    case 'LAUNCHING':
      if (adopted || now - execution.launchedAt > patienceMs.launching) {
        await ports.bus.publish('execution-requested', { executionId: execution.id });
        await observed();
      }
      return false;
    case 'RUNNING':
      if (adopted || now - execution.startedAt > patienceMs.running) await observed();
      return false;
    case 'STOPPING':
      await observed();
      return false;
    default:
      return false;
  }
}

/** Ids of the processes on this store whose leases have not run out. */
export async function liveProcesses({ store, clock }: Recorder): Promise<ReadonlySet<string>> {
  const { items } = await store.leases.query({ equal: {}, direction: 'descending', limit: 1000 });
  return new Set(items.filter(({ expiresAt }) => expiresAt > clock.now()).map(({ id }) => id));
}

/** Returns an execution that is ours, taking it over from a process whose lease has run out; undefined for others'. */
async function adopt(ports: Ports, execution: Execution, alive: ReadonlySet<string>): Promise<Execution | undefined> {
  const { owner } = execution;
  if (owner === null || ports.process === null || owner.process === ports.process) return execution;
  if (alive.has(owner.process)) return undefined;
  const event = { type: 'takenOver', process: ports.process, fromEpoch: owner.epoch } as const;
  const update = await apply(ports, execution.id, event);
  return update?.after.owner?.process === ports.process ? update.after : undefined;
}

/**
 * Deletes Jobs that no record wants: of a final execution, of none, or of one that names another Job. Records a Job
 * whose launcher died before it could: where quota refuses an older execution, no launcher comes as far as this one,
 * whose Job takes up the room.
 */
export async function sweep(ports: Ports): Promise<void> {
  const jobs = await ports.sandbox.list();
  await inTurn(...jobs.map((job) => () => sweepOver(ports, job)));
}

async function sweepOver(ports: Ports, job: Job): Promise<void> {
  const execution = await ports.store.executions.get(job.executionId);
  if (!wanted(execution, job)) await sweepAway(ports, execution, job);
  else if (execution?.state === 'ACCEPTED' && isOurs(ports, execution)) {
    await apply(ports, execution.id, { type: 'launched', jobUid: job.jobUid });
  }
}

async function sweepAway({ sandbox }: Ports, execution: Execution | undefined, job: Job): Promise<void> {
  const remove = () => sandbox.remove(job, { wait: false });
  await (execution === undefined ? remove() : inTraceOf(execution, 'sweep', remove));
}

function wanted(execution: Execution | undefined, job: Job): boolean {
  if (execution === undefined || isFinal(execution)) return false;
  return execution.state === 'ACCEPTED' || execution.jobUid === job.jobUid;
}
