import fc from 'fast-check';
import type { PodEnding } from '../../src/execution/classify.ts';

const instant = fc.option(fc.nat(100_000));

/** Endings of every kind and combination, likely or not. */
export const anyEnding: fc.Arbitrary<PodEnding> = fc.record({
  podReason: fc.constantFrom('', '', 'Evicted', 'DeadlineExceeded', 'NodeLost', 'OutOfcpu', 'Terminated', 'Preempting'),
  podMessage: fc.constantFrom('', 'The node was low on resource: memory.', 'Usage of EmptyDir volume "work" exceeds'),
  disruption: fc.constantFrom('', '', 'TerminationByKubelet', 'DeletionByPodGC', 'PreemptionByScheduler'),
  container: fc.option(
    fc.record({
      exitCode: fc.constantFrom(0, 1, 3, 124, 128, 137, 139, 143, 255),
      reason: fc.constantFrom('Completed', 'Error', 'OOMKilled', 'StartError', 'ContainerStatusUnknown', ''),
      message: fc.constantFrom('', 'said'),
      startedAt: instant,
      finishedAt: instant,
    }),
  ),
  jobReason: fc.constantFrom('', 'Complete', 'DeadlineExceeded', 'BackoffLimitExceeded', 'PodFailurePolicy'),
});
