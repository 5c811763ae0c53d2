import { type DeploymentName, deploymentNames } from './deployment.ts';
import { raceStates } from './race-states.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { faultless } from './scenarios-faultless.ts';

/** A piece of the suite that one worker does at a time. */
export type Job =
  /** Every scenario, with nothing done to it: what fails here fails everywhere. */
  | { readonly kind: 'undisturbed'; readonly deployment: DeploymentName }
  /** Schedules as they are written down. */
  | { readonly kind: 'schedules'; readonly texts: readonly string[] }
  /** Every kind of fault at every point of a scenario. */
  | { readonly kind: 'singles'; readonly deployment: DeploymentName; readonly scenario: string }
  /** Every pair of faults, of which the first is one of this slice. */
  | {
      readonly kind: 'pairs';
      readonly deployment: DeploymentName;
      readonly scenario: string;
      readonly reach: Reach;
      readonly slice: number;
      readonly slices: number;
    }
  /** Two use cases from a state, in every order of few detours and some of many. */
  | {
      readonly kind: 'races';
      readonly deployment: DeploymentName;
      readonly state: string;
      readonly actors: readonly [string, string];
      /** Most turns out of the natural order, of which every combination is tried. */
      readonly detours: number;
    }
  /** Worlds drawn from the seeds from `from` up to but not including `to`. */
  | { readonly kind: 'random'; readonly deployment: DeploymentName; readonly from: number; readonly to: number };

/**
 * Which points pairs are made of: `path`, all of the scenario as it goes without faults; `ports`, those without the API
 * calls inside a port's call; `recovery`, all, and those that only come after the first fault.
 */
export type Reach = 'ports' | 'path' | 'recovery';

export function undisturbed(): Job[] {
  return deploymentNames.map((deployment) => ({ kind: 'undisturbed', deployment }));
}

/** Names of the scenarios that a deployment can play undisturbed: those that faults are put into, and more. */
export function scenariosOf(deployment: DeploymentName): string[] {
  return playable({ ...scenarios, ...faultless }, deployment);
}

function playable(all: Readonly<Record<string, Scenario>>, deployment: DeploymentName): string[] {
  return Object.entries(all)
    .filter(([, scenario]) => scenario.deployments?.includes(deployment) ?? true)
    .map(([name]) => name);
}

export function singles(): Job[] {
  return deploymentNames.flatMap((deployment) =>
    playable(scenarios, deployment).map((scenario) => ({ kind: 'singles', deployment, scenario }) as const),
  );
}

/** Small enough that no worker is left with a long one at the end. */
const slices = 48;

/** API calls are alike in every deployment but for a gated start, so the pairs of one deployment say what can be said. */
const reaches = { cloud: 'path', embedded: 'ports', gated: 'ports' } as const satisfies Record<DeploymentName, Reach>;

export function pairs(thorough: boolean): Job[] {
  return deploymentNames.flatMap((deployment) => {
    const reach = thorough ? 'recovery' : reaches[deployment];
    return Array.from(
      { length: slices },
      (_, slice) => ({ kind: 'pairs', deployment, scenario: 'exit0', reach, slice, slices }) as const,
    );
  });
}

const actors = ['launch', 'complete', 'reconcile', 'cancel', 'sweep'];

/** Unordered pairs where any process may do anything, ordered ones where the second takes over from the first. */
export function races(): Job[] {
  return deploymentNames.flatMap((deployment) =>
    Object.keys(raceStates).flatMap((state) =>
      actors.flatMap((first, index) =>
        (deployment === 'cloud' ? actors.slice(index) : actors).map(
          (second) => ({ kind: 'races', deployment, state, actors: [first, second], detours: 1 }) as const,
        ),
      ),
    ),
  );
}

/** Races in which the order matters most, looked into deeper. */
export function deepRaces(): Job[] {
  const all = [
    ['cloud', 'accepted', 'launch', 'launch'],
    ['cloud', 'accepted', 'launch', 'cancel'],
    ['cloud', 'stopping-signalled', 'complete', 'complete'],
    ['gated', 'accepted', 'launch', 'reconcile'],
  ] as const;
  return all.map(
    ([deployment, state, ...pair]) => ({ kind: 'races', deployment, state, actors: pair, detours: 2 }) as const,
  );
}

const seedsPerJob = 25;

export function randoms(seeds: number, from = 0): Job[] {
  return deploymentNames.flatMap((deployment) =>
    Array.from({ length: Math.ceil(seeds / seedsPerJob) }, (_, index) => {
      const first = from + index * seedsPerJob;
      return { kind: 'random', deployment, from: first, to: Math.min(first + seedsPerJob, from + seeds) } as const;
    }),
  );
}
