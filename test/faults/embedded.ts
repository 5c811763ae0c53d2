import { inProcessBus } from '../../src/bus/in-process.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { heeder } from '../../src/pipeline/heed.ts';
import { inTurn } from '../../src/pipeline/in-turn.ts';
import { launcher } from '../../src/pipeline/launcher.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { reconcile, sweep } from '../../src/pipeline/reconcile.ts';
import { watch } from '../../src/pipeline/watch.ts';
import type { Answer, Deployment } from './deployment.ts';
import { checkError } from './errors.ts';
import type { Lab, Site } from './lab.ts';
import { type Process, startProcess } from './process.ts';

/** Milliseconds, as in `src/embedded.ts`, but for the sweep, which comes sooner. */
const lease = { duration: 6_000, renewal: 2_000 };
const rounds = { pause: 3_000, sweepEvery: 3 };
const restartMs = 1_000;

/** A process that holds everything, another in its place after a crash, and perhaps neighbours on the same store. */
export function embedded(lab: Lab, site: Site, processes: number): Deployment {
  const { time } = lab;
  const living: Running[] = [];
  let started = 0;
  let underway = 0;

  const start = async () => {
    const process = startProcess({ name: `p${++started}`, time, hangsForEver: false });
    process.onDeath(() => {
      if (lab.gated) endChildren(lab, process.name);
      time.setTimeout(() => void start(), restartMs);
    });
    const running = await run(lab, site, process);
    living.push(running);
    process.onDeath(() => void living.splice(living.indexOf(running), 1));
  };

  return {
    async request<T>(useCase: string, work: (ports: Ports) => Promise<T>): Promise<Answer<T>> {
      // A wish to stop comes through another process where there is one, as from a second terminal.
      const serving = useCase === 'cancel' ? living.at(-1) : living[0];
      if (serving === undefined) return { kind: 'died' };
      const died = new Promise<Answer<T>>((resolve) => serving.process.onDeath(() => resolve({ kind: 'died' })));
      underway++;
      const done = work(serving.ports(useCase)).then(
        (value): Answer<T> => ({ kind: 'done', value }),
        (error: unknown): Answer<T> => ({ kind: 'failed', error }),
      );
      const answer = await Promise.race([died, done]);
      underway--;
      if (answer.kind === 'failed') checkError(lab, useCase, answer.error);
      return answer;
    },
    begin: () => {
      for (let index = 0; index < processes; index++) void start();
    },
    bus: null,
    isIdle: () => underway === 0 && living.every(({ busy }) => busy() === 0),
    // Its watch lasts as long as the process.
    isResting: () => true,
    roundMs: rounds.pause * rounds.sweepEvery,
  };
}

interface Running {
  readonly process: Process;
  readonly ports: (useCase: string) => Ports;
  /** Handlers that run. */
  readonly busy: () => number;
}

/** The wiring of `src/embedded.ts` in virtual time. */
async function run(lab: Lab, site: Site, process: Process): Promise<Running> {
  const { time } = lab;
  const onError = (useCase: string) => (error: unknown) => checkError(lab, useCase, error);
  const bus = inProcessBus({
    random: lab.random,
    schedule: (then, ms) => time.setTimeout(() => void process.awake().then(then), ms),
    onError: (topic, _message, error) => onError(topic)(error),
  });
  const ports = (useCase: string) => site.ports({ process, useCase }, bus);
  let busy = 0;
  const counted = async (work: Promise<unknown>) => {
    busy++;
    await work.finally(() => {
      busy--;
    });
  };
  const launching = launcher(ports('launch'));
  bus.subscribe('execution-requested', (bell) => counted(launching(bell)));
  bus.subscribe('execution-observed', ({ executionId }) => counted(complete(ports('complete'), executionId)));
  await renew(ports('lease')).catch(() => process.crash());
  const ending = new AbortController();
  process.onDeath(() => ending.abort());
  const heed = heeder(ports('heed'), ending.signal, onError('heed'));
  bus.subscribe('watch-wanted', async ({ executionId }) => heed(executionId));
  void watch(ports('watch'), ending.signal, onError('watch'));
  void every(lease.renewal, () => renew(ports('lease')), onError('lease'));
  let round = 0;
  const tick = () => {
    const isSweeping = round++ % rounds.sweepEvery === 0;
    return inTurn(() => reconcile(ports('reconcile')), ...(isSweeping ? [() => sweep(ports('sweep'))] : []));
  };
  void every(rounds.pause, tick, onError('reconcile'));
  return { process, ports, busy: () => busy };

  async function every(pauseMs: number, work: () => Promise<unknown>, failed: (error: unknown) => void) {
    while (!process.isDead()) {
      await work().catch(failed);
      await time.sleep(pauseMs);
      await process.awake();
    }
  }
}

async function renew({ store, clock, process }: Ports): Promise<void> {
  if (process === null) return;
  const lasting = { id: process, expiresAt: clock.now() + lease.duration };
  const { created } = await store.leases.create(lasting);
  if (!created) await store.leases.update(process, () => lasting);
}

/** Sandboxes that are children of a process are gone with it, without a trace. */
function endChildren({ cluster, orphaned }: Lab, parent: string): void {
  for (const { type, jobUid, client, executionId } of cluster.history) {
    if (type !== 'jobCreated' || client !== parent) continue;
    orphaned.add(executionId);
    cluster.disrupt(jobUid, 'vanished');
  }
}
