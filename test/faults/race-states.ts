import type { Execution } from '../../src/execution/execution.ts';
import { cancel } from '../../src/pipeline/cancel.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { launch } from '../../src/pipeline/launch.ts';
import { apply, type Ports, specOf } from '../../src/pipeline/ports.ts';
import { submit } from '../../src/pipeline/submit.ts';
import { type ProgramName, submissionOf } from './programs.ts';
import type { VirtualTime } from './time.ts';

interface Beginning {
  readonly ports: Ports;
  readonly time: VirtualTime;
  /** The execution, accepted. */
  readonly execution: Execution;
  /** Begins to delete the Job as a stranger would. */
  readonly rob: () => void;
}

interface RaceState {
  readonly program: ProgramName;
  /** Brings the accepted execution there. */
  readonly reach: (beginning: Beginning) => Promise<void>;
  readonly cancelled?: boolean;
}

const nothing = async () => {};

async function create({ ports, execution }: Beginning): Promise<void> {
  await ports.sandbox.create(specOf(execution));
}

/** The Job is made and recorded; its start signal is not given. */
async function record({ ports, execution }: Beginning): Promise<void> {
  const creation = await ports.sandbox.create(specOf(execution));
  if (creation.kind !== 'created') throw new Error(creation.message);
  await apply(ports, execution.id, { type: 'launched', jobUid: creation.jobUid });
}

const signal = ({ ports }: Beginning) => launch(ports);

const after = (ms: number, reach: RaceState['reach']) => async (beginning: Beginning) => {
  await reach(beginning);
  await passing(beginning.time, ms);
};

/** The record follows what the Job shows. */
const noted = (reach: RaceState['reach']) => async (beginning: Beginning) => {
  await reach(beginning);
  await complete(beginning.ports, beginning.execution.id);
};

const stopped = (reach: RaceState['reach']) => async (beginning: Beginning) => {
  await reach(beginning);
  await cancel(beginning.ports, beginning.execution.id);
};

/** The result is stored and its Job is still there. */
async function conclude({ ports, execution }: Beginning): Promise<void> {
  const remove = async () => ({ started: true });
  await complete({ ...ports, sandbox: { ...ports.sandbox, remove } }, execution.id);
}

const running = noted(after(100, signal));

/** Where a race may begin. */
export const raceStates = {
  accepted: { program: 'exit0', reach: nothing },
  expired: { program: 'hasty', reach: after(31_000, nothing) },
  created: { program: 'exit0', reach: create },
  launching: { program: 'exit0', reach: record },
  unsignalled: { program: 'exit0', reach: after(6_000, record) },
  'expired-launching': { program: 'hasty', reach: after(31_000, record) },
  signalled: { program: 'slow', reach: signal },
  started: { program: 'slow', reach: after(100, signal) },
  running: { program: 'slow', reach: running },
  ended: { program: 'slow', reach: after(3_000, running) },
  late: { program: 'frozen', reach: after(10_000, running) },
  'stopping-launching': { program: 'exit0', reach: stopped(record), cancelled: true },
  'stopping-signalled': { program: 'slow', reach: stopped(signal), cancelled: true },
  'stopping-running': { program: 'forever', reach: stopped(running), cancelled: true },
  robbed: {
    program: 'slow',
    reach: async (beginning) => {
      await after(100, signal)(beginning);
      beginning.rob();
    },
  },
  final: {
    program: 'slow',
    reach: async (beginning) => {
      await after(3_000, running)(beginning);
      await conclude(beginning);
    },
  },
} as const satisfies Record<string, RaceState>;

/** Accepts the execution of a race and brings it to the state in which the race begins. */
export async function prepareRace(state: string, beginning: Omit<Beginning, 'execution'>): Promise<string> {
  const { program, reach } = raceStateOf(state);
  const { ports } = beginning;
  const own = { ...ports, onError: () => {} };
  const { execution } = await submit(own, submissionOf(program, 'e'), { caller: 'me', idempotencyKey: 'e' });
  await reach({ ...beginning, execution });
  return execution.id;
}

export function raceStateOf(name: string): RaceState {
  const found = new Map<string, RaceState>(Object.entries(raceStates)).get(name);
  if (found === undefined) throw new Error(`no race begins in a state called ${name}`);
  return found;
}

/** Lets that much time pass for the cluster. */
export async function passing(time: VirtualTime, ms: number): Promise<void> {
  let over = false;
  time.setTimeout(() => {
    over = true;
  }, ms);
  while (!over) await time.step();
}
