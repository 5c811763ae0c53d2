import type { Execution } from '../execution/execution.ts';
import type { SandboxStatus } from '../sandbox/sandbox.ts';
import { complete } from './complete.ts';
import { pages } from './pages.ts';
import { isOurs, type Ports, specOf } from './ports.ts';

/**
 * Ends what this process runs and takes with it, for a sandbox whose Jobs die with their process: `lost` is what the next
 * process would see of them. What has not started is left to that one, which can still run it.
 */
export async function endOwn(ports: Ports, lost: SandboxStatus): Promise<void> {
  // Nobody answers any more; the next process looks by itself.
  const bus = { publish: async () => {}, subscribe: () => {} };
  for await (const page of pages(ports.store, { open: 'yes', target: ports.sandbox.target })) {
    const own = page.filter((execution) => isOurs(ports, execution));
    await Promise.all(own.map((execution) => end({ ...ports, bus }, execution, lost)));
  }
}

async function end(ports: Ports, execution: Execution, lost: SandboxStatus): Promise<void> {
  if (execution.state !== 'RUNNING' && execution.state !== 'STOPPING') return;
  const { sandbox } = ports;
  const job = { executionId: execution.id, jobUid: execution.jobUid };
  const { kind } = await sandbox.inspect(job);
  if (execution.state === 'STOPPING' || kind === 'ended') return complete(ports, execution.id);
  const printed = await sandbox.output(job, specOf(execution));
  await sandbox.remove(job, { wait: true });
  const gone = { ...sandbox, inspect: async () => lost, output: async () => printed };
  await complete({ ...ports, sandbox: gone }, execution.id);
}
