import type { Message, Topic } from '../../src/bus/bus.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { launch, resume } from '../../src/pipeline/launch.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { reconcile, sweep } from '../../src/pipeline/reconcile.ts';
import { relay } from '../../src/pipeline/relay.ts';
import type { Answer, Deployment } from './deployment.ts';
import { durableBus } from './durable-bus.ts';
import { checkError } from './errors.ts';
import type { Lab, Site } from './lab.ts';
import { type Process, startProcess } from './process.ts';

/** Milliseconds. */
const functionTimeoutMs = 120_000;
const relayTimeoutMs = 540_000;
const tickMs = 60_000;

/**
 * Functions that keep nothing between two calls. Each call is a process of its own: what a crash stops is that call,
 * and its message comes again.
 */
export function cloud(lab: Lab, site: Site): Deployment {
  const { time } = lab;
  let calls = 0;
  let underway = 0;
  let relays = 0;

  const invoke = async <T>(
    useCase: string,
    work: (ports: Ports) => Promise<T>,
    timeoutMs = functionTimeoutMs,
  ): Promise<Answer<T>> => {
    const process = startProcess({ name: `${useCase}-${++calls}`, time, hangsForEver: true });
    const ports = site.ports({ process, useCase }, bus);
    const cancelTimeout = time.setTimeout(() => void process.crash(), timeoutMs);
    const died = new Promise<Answer<T>>((resolve) => process.onDeath(() => resolve({ kind: 'died' })));
    underway++;
    const answer = await Promise.race([died, answerOf(work(ports))]);
    underway--;
    cancelTimeout();
    if (answer.kind === 'failed') checkError(lab, useCase, answer.error);
    if (answer.kind === 'done') acknowledge(lab, useCase, process);
    return answer;
  };

  const relayWhileNeeded = async (): Promise<Answer<void>> => {
    const onError = (error: unknown) => checkError(lab, 'watch', error);
    relays++;
    const answer = await invoke('watch', (ports) => relay(ports, onError), relayTimeoutMs);
    relays--;
    return answer;
  };
  const handle = async (topic: Topic, { executionId }: Message) => {
    const answer = await {
      'execution-requested': () =>
        invoke('launch', async (ports) => {
          await resume(ports, executionId);
          await launch(ports);
        }),
      'watch-wanted': relayWhileNeeded,
      'execution-observed': () => invoke('complete', (ports) => complete(ports, executionId)),
    }[topic]();
    return answer.kind === 'done' ? 'acknowledged' : 'again';
  };
  const bus = durableBus(time, handle);

  const tick = async () => {
    time.setTimeout(tick, tickMs);
    const { kind } = await invoke('reconcile', reconcile);
    // Both are one call, so that a crash of the first half is one of the second too.
    if (kind !== 'died') await invoke('sweep', sweep);
  };

  return {
    request: (useCase, work) => invoke(useCase, work),
    begin: () => {
      bus.open();
      time.setTimeout(tick, tickMs);
    },
    bus,
    // A relay watches for a while after everything has ended; it is a call and the message that asked for it.
    isIdle: () => underway + bus.pending() === 2 * relays,
    isResting: () => relays === 0,
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
