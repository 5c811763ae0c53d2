import type { Bus } from '../../src/bus/bus.ts';
import { finalStates } from '../../src/execution/execution.ts';
import { planned } from './failpoints.ts';
import type { Violation } from './lab.ts';
import { startProcess } from './process.ts';
import { createGrid, runRace } from './race.ts';
import { prepareRace, raceStateOf } from './race-states.ts';
import { playRandom } from './random.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { faultless } from './scenarios-faultless.ts';
import type { Schedule } from './schedule.ts';
import { type Outcome, settle } from './settle.ts';
import { deploy, openLab, simulate } from './simulate.ts';
import { stageOf } from './stage.ts';

/** Plays a schedule, whatever its mode, and says what was wrong. One at a time: a process has one ear for lost errors. */
export async function play(schedule: Schedule): Promise<Outcome> {
  const lost: Violation[] = [];
  const hear = (error: unknown) => {
    lost.push({ invariant: 'I12', message: `an error reached nobody, which ends the process: ${String(error)}` });
  };
  process.on('unhandledRejection', hear);
  try {
    const outcome = await playMode(schedule);
    return { ...outcome, violations: [...lost, ...outcome.violations] };
  } finally {
    process.off('unhandledRejection', hear);
  }
}

function playMode(schedule: Schedule): Promise<Outcome> {
  switch (schedule.mode) {
    case 'play': {
      const { deployment, faults } = schedule;
      const scenario = scenarioOf(schedule.scenario);
      return simulate({ deployment, scenario, faults: planned(faults), faultless: faults.size === 0 });
    }
    case 'race':
      return playRace(schedule);
    case 'random':
      return playRandom(schedule);
  }
}

function scenarioOf(name: string): Scenario {
  const found = scenarios[name] ?? faultless[name];
  if (found === undefined) throw new Error(`no scenario is called ${name}`);
  return found;
}

/** Milliseconds that the cluster gets between two steps of a quick race: enough to overtake the racers. */
const quickStepMs = 25;
const silentBus: Bus = { publish: async () => {}, subscribe: () => {} };

/** Races two use cases from a state; the ordinary rounds begin when both are over. */
async function playRace(schedule: Extract<Schedule, { mode: 'race' }>): Promise<Outcome> {
  const { deployment, race, order } = schedule;
  const { program, cancelled = false } = raceStateOf(race.state);
  const scenario: Scenario = { orders: [{ name: 'e', program }], ends: finalStates };
  const grid = createGrid();
  const lab = openLab(
    deployment,
    scenario,
    () => undefined,
    () =>
      ({ process }) =>
        grid.turn(process),
  );
  const [site] = lab.sites;
  if (site === undefined) throw new Error('there is no store');
  const own = deploy(lab, site, deployment);
  const bus = own.bus ?? silentBus;
  const stage = stageOf(lab, scenario, () => {});
  if (cancelled || race.actors.includes('cancel')) stage.did('e', 'cancelled');

  const first = startProcess({ name: 'old', time: lab.time, hangsForEver: true });
  const ports = site.ports({ process: first, useCase: 'before' }, bus);
  const executionId = await prepareRace(race.state, { ports, time: lab.time, rob: () => stage.rob('e') });
  // The second racer may take over from the first, whose lease has run out.
  if (lab.owned) await ports.store.leases.create({ id: 'new', expiresAt: lab.time.now() + 6_000 });
  const decisions = await runRace({
    lab,
    grid,
    bus,
    executionId,
    actors: race.actors,
    processes: lab.owned ? ['old', 'new'] : ['a', 'b'],
    order,
    stepMs: race.tempo === 'quick' ? quickStepMs : 0,
    steal: () => stage.steal('e'),
  });
  own.begin();
  const client = { begin: () => {}, cancel: () => {}, waiting: () => 0, told: new Map() };
  const outcome = await settle({ lab, scenario, deployments: [own], stage, client, faultless: false });
  return { ...outcome, decisions };
}
