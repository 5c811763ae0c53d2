import type { Bus } from '../../src/bus/bus.ts';
import { cancel } from '../../src/pipeline/cancel.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { launch } from '../../src/pipeline/launch.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { reconcile, sweep } from '../../src/pipeline/reconcile.ts';
import { checkError } from './errors.ts';
import type { Lab } from './lab.ts';
import { type Process, startProcess } from './process.ts';
import { passing } from './race-states.ts';
import { settled } from './time.ts';

/** What may run at the same time as anything else. */
export const racers: Readonly<Record<string, (ports: Ports, id: string) => Promise<unknown>>> = {
  launch: (ports) => launch(ports),
  complete: (ports, id) => complete(ports, id),
  reconcile: (ports) => reconcile(ports),
  sweep: (ports) => sweep(ports),
  cancel: (ports, id) => cancel(ports, id),
};

/** `a` or `b` goes one step, `+` both at the same moment. */
export type Turn = 'a' | 'b' | '+';
/** A stranger deletes the Job before the next step. */
const theft = 't';

/** A step at which another turn was possible. */
export interface Decision {
  readonly taken: Turn;
  readonly possible: readonly Turn[];
}

interface Runner {
  readonly letter: 'a' | 'b';
  readonly process: Process;
  /** Calls that wait for their turn, first come first served. */
  readonly parked: (() => void)[];
  over: boolean;
}

/** Calls of processes that race wait here for their turn; all others go on at once. */
export interface Grid {
  readonly turn: (process: Process) => Promise<void>;
  readonly runners: Runner[];
}

export function createGrid(): Grid {
  const runners: Runner[] = [];
  return {
    runners,
    turn: (process) => {
      const runner = runners.find((candidate) => candidate.process === process);
      return runner === undefined ? Promise.resolve() : new Promise((resolve) => void runner.parked.push(resolve));
    },
  };
}

export interface RaceOptions {
  readonly lab: Lab;
  readonly grid: Grid;
  readonly executionId: string;
  readonly bus: Bus;
  readonly actors: readonly [string, string];
  /** Name of each racer's process. */
  readonly processes: readonly [string, string];
  readonly order: string;
  /** Milliseconds that pass after each step. */
  readonly stepMs: number;
  /** Deletes the Job. */
  readonly steal: () => void;
}

/** Runs two use cases step by step in the order that is asked for, and tells what else could have been chosen. */
export async function runRace(options: RaceOptions): Promise<readonly Decision[]> {
  const { lab, grid } = options;
  const steps = stepsOf(options.order);
  for (const index of [0, 1] as const) begin(options, index);
  const decisions: Decision[] = [];
  let last: Turn = 'a';
  while (grid.runners.some(({ over }) => !over) && lab.violations.length === 0) {
    await settled();
    const ready = grid.runners.filter(({ parked }) => parked.length > 0);
    if (ready.length === 0) {
      if (!(await lab.time.step())) lab.violate('I1', 'both use cases wait for ever');
      continue;
    }
    const step = steps[decisions.length];
    if (step?.theft) options.steal();
    const decision = decide(ready, step?.turn ?? last);
    decisions.push(decision);
    const { taken } = decision;
    if (taken !== '+') last = taken;
    release(ready, taken);
    await settled();
    if (options.stepMs > 0) await passing(lab.time, options.stepMs);
  }
  grid.runners.length = 0;
  return decisions;
}

/** The turns of an order, each with whether the Job is stolen before it. */
function stepsOf(order: string): { readonly turn: string; readonly theft: boolean }[] {
  return [...order.matchAll(/(t?)([ab+])/g)].map(([, stolen, turn = '']) => ({ turn, theft: stolen === theft }));
}

function release(ready: readonly Runner[], turn: Turn): void {
  for (const { letter, parked } of ready) if (turn === letter || turn === '+') parked.shift()?.();
}

function decide(ready: readonly Runner[], wanted: string): Decision {
  const possible: Turn[] = ready.map(({ letter }) => letter);
  if (ready.length === 2) possible.push('+');
  return { taken: possible.find((turn) => turn === wanted) ?? possible[0] ?? 'a', possible };
}

function begin({ lab, grid, bus, actors, processes, executionId }: RaceOptions, index: 0 | 1): void {
  const useCase = actors[index];
  const work = racers[useCase];
  const site = lab.sites[0];
  if (work === undefined || site === undefined) throw new Error(`nobody who races is called ${useCase}`);
  const process = startProcess({ name: processes[index], time: lab.time, hangsForEver: true });
  const runner: Runner = { letter: index === 0 ? 'a' : 'b', process, parked: [], over: false };
  grid.runners.push(runner);
  work(site.ports({ process, useCase }, bus), executionId)
    .catch((error: unknown) => checkError(lab, useCase, error))
    .finally(() => {
      runner.over = true;
    });
}
