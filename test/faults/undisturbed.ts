import type { Lab } from './lab.ts';
import type { Write } from './ledger.ts';
import type { Scenario } from './scenario.ts';
import { lateLauncher, type Truth, truthOf } from './truth.ts';

/** Without faults one Job is enough, no output is lost, and nobody waits for a round of the reconciler who need not. */
export function checkUndisturbed(lab: Lab, { promptMs, finalMs, keepsOutput = false }: Scenario): void {
  for (const { installation, ledger } of lab.sites) {
    for (const write of ledger.all()) {
      const { execution, parts } = write;
      const truth = truthOf(lab.cluster.history, installation, execution.id);
      const jobs = truth.jobs.filter(({ client }) => client !== lateLauncher).length;
      if (jobs > 1) lab.violate('I14', `${execution.id} was given ${jobs} Jobs`);
      if (keepsOutput && !parts.get('stdout')?.length) lab.violate('I10', `${execution.id} lost what it had printed`);
      const tookMs = write.at - execution.acceptedAt;
      if (tookMs > (finalMs ?? tookMs)) lab.violate('liveness', `${execution.id} was final after ${tookMs} ms`);
      if (promptMs !== undefined) checkPromptness(lab, write, { truth, promptMs });
    }
  }
}

/** A slot that is free is used soon, and so is an ending. */
function checkPromptness(
  { cluster, violate }: Lab,
  { at, execution }: Write,
  { truth, promptMs }: { readonly truth: Truth; readonly promptMs: number },
): void {
  const { id, acceptedAt } = execution;
  for (const start of truth.starts) {
    const before = cluster.history.filter((event) => event.type === 'stopped' && event.at <= start.at);
    const waitedMs = start.at - Math.max(acceptedAt, before.at(-1)?.at ?? 0);
    if (waitedMs > promptMs) violate('liveness', `${id} waited ${waitedMs} ms for a slot that was free`);
  }
  const lateMs = at - (truth.stops.at(-1)?.at ?? acceptedAt);
  if (lateMs > promptMs) violate('liveness', `${id} was final ${lateMs} ms after its program ended`);
}
