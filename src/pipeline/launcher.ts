import type { Message } from '../bus/bus.ts';
import { launch, resume } from './launch.ts';
import type { Ports } from './ports.ts';
import { singleFlight } from './single-flight.ts';

/**
 * Makes the handler of `execution-requested` for a process: however many bells ring, one walk launches what waits, and
 * those that ring meanwhile share the next. A bell is answered when a walk that began after it has ended.
 */
export function launcher(ports: Ports): (bell: Message) => Promise<void> {
  const launchAll = singleFlight(() => launch(ports));
  return async ({ executionId }) => {
    await resume(ports, executionId);
    await launchAll();
  };
}
