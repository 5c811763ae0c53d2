import { defaultDelaysMs } from '../../src/sandbox/memory/state.ts';
import { isOver, isStarted, one } from './happenings.ts';
import type { Happening, Scenario } from './scenario.ts';

const minute = 60_000;

const lostAndCancelled: readonly Happening[] = [
  { when: isStarted, afterMs: 300, act: (hands) => hands.disrupt('e', 'node_lost') },
  { when: isStarted, afterMs: 500, act: (hands) => hands.cancel('e') },
];
const givenUp: Happening['act'] = (hands) => hands.disrupt('e', 'node_gone');

/** Nobody hears of the ending before the node falls silent. */
export const logUnreadable: Scenario = {
  ...one('exit0'),
  ends: ['SUCCEEDED'],
  delay: (step) => (step === 'watch' ? 500 : defaultDelaysMs[step]),
  finalMs: 370_000,
  boundMs: 480_000,
  happenings: [
    { when: (view) => view.stops('e') > 0, afterMs: 100, act: (hands) => hands.disrupt('e', 'node_lost') },
    { when: (view) => view.stops('e') > 0, afterMs: 400_000, act: givenUp },
  ],
};

/** What is to be stopped on a node that nobody reaches: so long that not every fault can be put into it. */
export const lostNodes: Readonly<Record<string, Scenario>> = {
  'cancel-node-back': {
    ...one('forever'),
    ends: ['CANCELLED', 'INFRA_INTERRUPTED'],
    deployments: ['cloud', 'embedded'],
    boundMs: 15 * minute,
    happenings: [...lostAndCancelled, { when: isStarted, afterMs: 9 * minute, act: givenUp }],
  },
  'log-unreadable-embedded': { ...logUnreadable, deployments: ['embedded'] },
  'cancel-node-gone': {
    ...one('forever'),
    ends: ['LOST'],
    deployments: ['cloud', 'embedded'],
    finalMs: 13 * minute,
    boundMs: 15 * minute,
    happenings: [...lostAndCancelled, { when: isOver, act: givenUp }],
  },
};
