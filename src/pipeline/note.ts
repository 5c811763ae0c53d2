import type { Job, SandboxStatus } from '../sandbox/sandbox.ts';
import { apply, type Recorder } from './ports.ts';

/** Writes down what is on the way to an ending; tells whether it was that, and nothing of an ending. */
export async function noteProgress(ports: Recorder, job: Job, status: SandboxStatus): Promise<boolean> {
  const { executionId, jobUid } = job;
  switch (status.kind) {
    case 'waiting':
      await apply(ports, executionId, { type: 'waiting', jobUid, waiting: status.waiting });
      return true;
    case 'running': {
      const { kind: _, ...running } = status;
      await apply(ports, executionId, { type: 'started', jobUid, ...running, epoch: null });
      return true;
    }
    default:
      return false;
  }
}
