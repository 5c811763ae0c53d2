import type { Scenario } from './scenario.ts';
import { handovers } from './scenarios-handover.ts';
import { lostNodes } from './scenarios-lost-node.ts';

/** Stories that no faults are put into: what they are about is a moment, or takes very long. */
export const faultless: Readonly<Record<string, Scenario>> = { ...handovers, ...lostNodes };
