import type { Bus } from '../../src/bus/bus.ts';
import type { Ports } from '../../src/pipeline/ports.ts';

/** What a caller of a use case learns. */
export type Answer<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The process died or hung: nothing was heard. */
  | { readonly kind: 'died' };

/** One way to run the use cases over one store, with everything that calls them again. */
export interface Deployment {
  /** Serves a client's request where requests are served. */
  request<T>(useCase: string, work: (ports: Ports) => Promise<T>): Promise<Answer<T>>;
  /** Begins the rounds that nobody asks for, and the delivery of messages. */
  begin(): void;
  /** The bus that outlives processes, where there is one; what is published before the beginning waits. */
  readonly bus: Bus | null;
  /** Nothing is under way but those rounds. */
  isIdle(): boolean;
  /** Nobody watches who would have to stop when there is nothing to watch. */
  isResting(): boolean;
  /** Milliseconds in which every round comes at least once. */
  readonly roundMs: number;
}

export const deploymentNames = ['cloud', 'embedded', 'gated'] as const;
/**
 * `cloud`: stateless functions and a bus that outlives them. `embedded`: a process with a lease, whose bus dies
 * with it, on a cluster that does not. `gated`: the same, with a sandbox of child processes: they start at the very
 * moment it is permitted and die with their parent.
 */
export type DeploymentName = (typeof deploymentNames)[number];

export function isDeploymentName(text: string): text is DeploymentName {
  return deploymentNames.some((name) => name === text);
}
