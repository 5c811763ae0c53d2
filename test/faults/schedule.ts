import { type DeploymentName, isDeploymentName } from './deployment.ts';
import { type FaultKind, type Faults, isFaultKind } from './fault.ts';

/** Everything that decides how a run goes: the same schedule is the same run, always. */
export type Schedule =
  /** A scenario with faults at some points. */
  | { readonly mode: 'play'; readonly deployment: DeploymentName; readonly scenario: string; readonly faults: Faults }
  /** Two use cases at the same time, and whose turn it is at each step; after the last the same goes on. */
  | {
      readonly mode: 'race';
      readonly deployment: DeploymentName;
      readonly race: Race;
      readonly order: string;
    }
  /** A world drawn from a seed; `faults` and `keep` replace what would be drawn, as shrinking does. */
  | {
      readonly mode: 'random';
      readonly deployment: DeploymentName;
      readonly seed: number;
      readonly keep: readonly number[] | undefined;
      readonly faults: Faults | undefined;
    };

/** Who races, from which state, and whether the cluster stands still or overtakes them. */
export interface Race {
  readonly state: string;
  readonly actors: readonly [string, string];
  readonly tempo: 'still' | 'quick';
}

/** Writes a schedule down so that `parseSchedule` reads the same. */
export function formatSchedule(schedule: Schedule): string {
  const { mode, deployment } = schedule;
  switch (schedule.mode) {
    case 'play':
      return [mode, `${deployment}/${schedule.scenario}`, ...formatFaults(schedule.faults)].join(' ');
    case 'race': {
      const { state, actors, tempo } = schedule.race;
      return [mode, `${deployment}/${state}/${actors.join('+')}/${tempo}`, schedule.order].join(' ').trimEnd();
    }
    case 'random': {
      const { seed, keep, faults } = schedule;
      const kept = keep === undefined ? [] : [`keep=${keep.join(',')}`];
      const drawn = faults === undefined ? [] : ['faults:', ...formatFaults(faults)];
      return [mode, `${deployment}/${seed}`, ...kept, ...drawn].join(' ');
    }
  }
}

function formatFaults(faults: Faults): string[] {
  return [...faults].map(([point, kind]) => `${point}=${kind}`);
}

/** Reads what `formatSchedule` wrote; throws for anything else. */
export function parseSchedule(text: string): Schedule {
  const [mode, place = '', ...words] = text.trim().split(/\s+/);
  const [deployment = '', ...rest] = place.split('/');
  if (!isDeploymentName(deployment)) throw new Error(`no deployment is called "${deployment}": ${text}`);
  const [first = '', second = '', third = ''] = rest;
  switch (mode) {
    case 'play':
      return { mode, deployment, scenario: first, faults: parseFaults(words) };
    case 'race': {
      const [a = '', b = ''] = second.split('+');
      const race = { state: first, actors: [a, b], tempo: third === 'quick' ? 'quick' : 'still' } as const;
      return { mode, deployment, race, order: words[0] ?? '' };
    }
    case 'random': {
      const keep = words.find((word) => word.startsWith('keep='));
      const drawn = words.indexOf('faults:');
      return {
        mode,
        deployment,
        seed: Number(first),
        keep: keep?.slice('keep='.length).split(',').filter(Boolean).map(Number),
        faults: drawn < 0 ? undefined : parseFaults(words.slice(drawn + 1)),
      };
    }
    default:
      throw new Error(`no mode is called "${mode}": ${text}`);
  }
}

function parseFaults(words: readonly string[]): Faults {
  return new Map(words.map(parseFault));
}

function parseFault(word: string): [string, FaultKind] {
  const [point = '', kind = ''] = word.split('=');
  if (!isFaultKind(kind)) throw new Error(`no fault is called "${kind}": ${word}`);
  return [point, kind];
}

/** The command that plays a schedule again and says everything that happened. */
export function replayCommand(schedule: Schedule): string {
  return `npm run test:faults -- --replay '${formatSchedule(schedule)}'`;
}
