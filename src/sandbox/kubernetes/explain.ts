import type { Job, SandboxStatus } from '../sandbox.ts';
import { waitingFromEvents } from './events.ts';
import type { Namespace } from './namespace.ts';
import type { Pod } from './objects.ts';

/** The status with what the warnings about its pod, or about its Job if there is none, say; else itself. */
export async function explain(
  namespace: Namespace,
  { jobUid }: Job,
  pods: readonly Pod[],
  status: SandboxStatus,
): Promise<SandboxStatus> {
  const waiting = waitingFromEvents(await namespace.warningsAbout(pods[0]?.metadata.uid ?? jobUid));
  return waiting === undefined ? status : { kind: 'waiting', waiting };
}
