import { ExecutionGoneError, ExecutionOpenError } from '../errors.ts';
import { type Execution, type FinalExecution, isFinal } from '../execution/execution.ts';
import { dayMs, retention } from '../execution/limits.ts';
import type { Store } from '../store/executions.ts';
import { pages } from './pages.ts';
import type { Recorder } from './ports.ts';

/** Records that one round looks at, and how many of them are in memory at a time; the rest waits for the next round. */
const roundSize = { all: 100, page: 10 };

/** The execution; undefined when there never was one. Throws ExecutionGoneError when it was deleted. */
export async function find(
  { executions }: Pick<Store, 'executions'>,
  executionId: string,
): Promise<Execution | undefined> {
  const execution = await executions.get(executionId);
  const isGone = execution === undefined && (await executions.tombstone(executionId)) !== undefined;
  if (isGone) throw new ExecutionGoneError(executionId);
  return execution;
}

/**
 * Turns the record of an execution that has ended into its tombstone. False when there never was one; throws
 * ExecutionOpenError when it has not ended, ExecutionGoneError when it was deleted before.
 */
export async function remove(ports: Recorder, id: string): Promise<boolean> {
  const execution = await find(ports.store, id);
  if (execution === undefined) return false;
  if (!isFinal(execution)) throw new ExecutionOpenError(id);
  await bury(ports, execution);
  return true;
}

/**
 * One round over the records at the end of their retention, of every target: no cluster is needed for it. Safe beside
 * itself and beside every handler; should a Job be left, the sweep deletes it as one that no record wants.
 */
export async function retire(ports: Recorder): Promise<void> {
  const ended = { equal: { open: 'no' }, direction: 'ascending' } as const;
  const isDue = ({ endedAt }: FinalExecution) => endedAt + retention.recordDays * dayMs <= ports.clock.now();
  // Nothing is due as a rule, and every document read is paid for. One that waited long for its end may keep later ones
  // here a little longer, never for good.
  const [oldest] = (await ports.store.executions.query({ ...ended, limit: 1 })).items.filter(isFinal);
  if (oldest === undefined || !isDue(oldest)) return;
  let left = roundSize.all;
  for await (const page of pages(ports.store, ended.equal, roundSize.page)) {
    const due = page.filter(isFinal).filter(isDue);
    await Promise.all(due.map((execution) => bury(ports, execution)));
    left -= page.length;
    if (due.length === 0 || left <= 0) return;
  }
}

/** Nothing changes a final record any more, so what was read is what goes. */
async function bury({ store, clock }: Recorder, { id, bodyHash }: FinalExecution): Promise<void> {
  await store.executions.remove(id, { bodyHash, expiresAt: clock.now() + retention.tombstoneDays * dayMs });
}
