import type { PodEnding } from '../execution/classify.ts';
import type { ExecutionIn } from '../execution/execution.ts';
import { jobDeadlines } from '../execution/job-deadlines.ts';
import type { Job, SandboxOutput } from '../sandbox/sandbox.ts';
import { type Ports, specOf } from './ports.ts';

type Launched = ExecutionIn<'LAUNCHING' | 'RUNNING' | 'STOPPING'>;

/** Milliseconds after which an ending is worth more than the log of a node that nobody can reach. */
const patienceMs = 5 * 60_000;

/**
 * Reads what was printed; `ending` is null for what is to be stopped. When the log cannot be read it throws, so that it
 * is tried again; but not for ever: in the end it says that nothing was read.
 */
export async function printed(
  ports: Ports,
  execution: Launched,
  job: Job,
  ending: PodEnding | null,
): Promise<SandboxOutput> {
  try {
    return await ports.sandbox.output(job, specOf(execution));
  } catch (error) {
    if (ports.clock.now() <= overSince(execution, ending) + patienceMs) throw error;
    return { ...unread, complete: false, incompleteBecause: unreadable, kernel: null, report: null };
  }
}

const unreadable = 'the node could not be asked for the log';
const nothing = { bytes: new Uint8Array(), totalBytes: 0 };
const unread = { stdout: nothing, stderr: nothing, files: new Uint8Array(), omittedFiles: 0 };

/** When it ended or was told to; where nobody says, when its Job's own deadline ended it at the latest. */
function overSince(execution: Launched, ending: PodEnding | null): number {
  const finishedAt = ending?.container?.finishedAt ?? null;
  if (finishedAt !== null) return Math.max(finishedAt, execution.launchedAt);
  if (execution.state === 'STOPPING') return execution.stoppingSince;
  return execution.launchedAt + jobDeadlines(execution.request).job * 1000;
}
