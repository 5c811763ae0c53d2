import type { DeploymentName } from './deployment.ts';

/** What can happen to one call at one failpoint. */
export const faultKinds = [
  /** The call fails and had no effect. */
  'error-before',
  /** The call had its effect and its answer is lost. */
  'error-after',
  /** The process stops before the effect: nothing of it runs afterwards. */
  'crash-before',
  /** The process stops after the effect. */
  'crash-after',
  /** The call never reaches anybody; whoever waits for it is ended by its deadline. */
  'hang',
  /** The process is frozen before the effect, longer than every lease and patience, and then goes on. */
  'stall',
  /** The call is made twice; a message comes twice. */
  'duplicate',
  /** What the call says is heard only after much that was said later. */
  'reorder',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export function isFaultKind(text: string): text is FaultKind {
  return faultKinds.some((kind) => kind === text);
}

/** Faults by point: `launch:sandbox.create#1` is the first `create` that any launch makes. */
export type Faults = ReadonlyMap<string, FaultKind>;

/** The error of a call that a fault made fail; the pipeline must let it through to whoever retries. */
export class InjectedFault extends Error {
  constructor(point: string, kind: FaultKind) {
    super(`${kind} at ${point}`);
    this.name = 'InjectedFault';
  }
}

const reads =
  /:(?:store|leases)\.(?:get|part|query)#|:api\.(?:getJob|getConfigMap|list|log|watch)#|:sandbox\.(?:inspect|output|list)#/;

/**
 * The kinds that can make a difference at a point. A read has no effect before or after which to fail. The inner calls
 * of a gated sandbox are no calls at all, since its programs are children of the process.
 */
export function kindsAt(point: string, deployment: DeploymentName): readonly FaultKind[] {
  if (point.includes(':observe#')) return ['crash-before', 'crash-after', 'duplicate', 'reorder'];
  if (deployment === 'gated' && point.includes(':api.')) return ['crash-before', 'crash-after', 'stall'];
  if (reads.test(point)) return ['error-before', 'crash-before', 'hang', 'stall'];
  if (point.includes(':api.')) return ['error-before', 'error-after', 'crash-before', 'crash-after', 'hang', 'stall'];
  if (point.includes(':bus.publish#')) return faultKinds;
  return faultKinds.filter((kind) => kind !== 'reorder');
}
