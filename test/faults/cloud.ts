import type { Message, Topic } from '../../src/bus/bus.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { launch } from '../../src/pipeline/launch.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { reconcile, sweep } from '../../src/pipeline/reconcile.ts';
import { watch } from '../../src/pipeline/watch.ts';
import type { Answer, Deployment } from './deployment.ts';
import { durableBus } from './durable-bus.ts';
import { checkError } from './errors.ts';
import type { Lab, Site } from './lab.ts';
import { type Process, startProcess } from './process.ts';

/** Milliseconds. */
const functionTimeoutMs = 120_000;
const relayMs = 100_000;
const tickMs = 60_000;

/**
 * Functions that keep nothing between two calls. Each call is a process of its own: what a crash stops is that call,
 * and its message comes again.
 */
export function cloud(lab: Lab, site: Site): Deployment {
  const { time } = lab;
  let calls = 0;
  let underway = 0;
  let relaying = false;

  const invoke = async <T>(
    useCase: string,
    work: (ports: Ports, process: Process) => Promise<T>,
  ): Promise<Answer<T>> => {
    const process = startProcess({ name: `${useCase}-${++calls}`, time, hangsForEver: true });
    const ports = site.ports({ process, useCase }, bus);
    const cancelTimeout = time.setTimeout(() => void process.crash(), functionTimeoutMs);
    const died = new Promise<Answer<T>>((resolve) => process.onDeath(() => resolve({ kind: 'died' })));
    underway++;
    const answer = await Promise.race([died, answerOf(work(ports, process))]);
    underway--;
    cancelTimeout();
    if (answer.kind === 'failed') checkError(lab, useCase, answer.error);
    if (answer.kind === 'done') acknowledge(lab, useCase, process);
    return answer;
  };

  const relayUntilTold = (ports: Ports, process: Process) => {
    const end = new AbortController();
    const abort = () => end.abort();
    time.setTimeout(abort, relayMs);
    process.onDeath(abort);
    return watch(ports, end.signal, (error) => checkError(lab, 'watch', error));
  };
  /** One relay at a time is enough; its lease is the deployment's business. */
  const relayOnce = async (): Promise<Answer<void>> => {
    if (relaying) return { kind: 'done', value: undefined };
    relaying = true;
    const answer = await invoke('watch', relayUntilTold);
    relaying = false;
    return answer;
  };
  const handle = async (topic: Topic, { executionId }: Message) => {
    const answer = await {
      'execution-requested': () => invoke('launch', launch),
      'watch-wanted': relayOnce,
      'execution-observed': () => invoke('complete', (ports) => complete(ports, executionId)),
    }[topic]();
    return answer.kind === 'done' ? 'acknowledged' : 'again';
  };
  const bus = durableBus(time, handle);

  const tick = async () => {
    time.setTimeout(tick, tickMs);
    await invoke('reconcile', reconcile);
    await invoke('sweep', sweep);
  };

  return {
    request: (useCase, work) => invoke(useCase, work),
    begin: () => {
      bus.open();
      time.setTimeout(tick, tickMs);
    },
    bus,
    // A relay watches for a while after everything has ended.
    isIdle: () => underway + bus.pending() === (relaying ? 2 : 0),
    roundMs: tickMs,
  };
}

async function answerOf<T>(work: Promise<T>): Promise<Answer<T>> {
  try {
    return { kind: 'done', value: await work };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

/** A function may be frozen or gone once it has answered, so nothing of its work may still be under way. */
function acknowledge(lab: Lab, useCase: string, process: Process): void {
  process.acknowledged = true;
  if (process.underway > 0) lab.violate('I11', `${useCase} returned with ${process.underway} calls under way`);
}
