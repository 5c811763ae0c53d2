import { atOnce, isOver, isStarted, isState, one } from './happenings.ts';
import type { Happening, Scenario } from './scenario.ts';

const nowhere = { reason: 'Unschedulable', message: '0/1 nodes are available', curable: true } as const;
const noImage = { reason: 'Image', message: 'no such image', curable: false } as const;

const held: Happening = {
  when: atOnce,
  act: (hands) => {
    hands.did('e', 'held');
    hands.cluster.hold(nowhere);
  },
};
const cancelled: Happening['act'] = (hands) => hands.cancel('e');
const released: Happening['act'] = ({ cluster }) => cluster.hold(null);
const refused: Happening['act'] = (hands) => {
  hands.did('e', 'refused');
  hands.cluster.refuse('image not allowed');
};
const clustered = ['cloud', 'embedded'] as const;

/** Stories of what never starts, and of what is stopped. */
export const cancelling = {
  'start-timeout': {
    ...one('hasty'),
    ends: ['START_TIMEOUT'],
    deployments: clustered,
    finalMs: 20_000,
    happenings: [held, { when: isOver, act: released }],
  },
  'start-timeout-race': {
    ...one('hasty'),
    ends: ['START_TIMEOUT', 'SUCCEEDED'],
    deployments: clustered,
    happenings: [held, { when: isState('STOPPING'), act: released }],
  },
  'no-image': {
    ...one('exit0'),
    ends: ['START_TIMEOUT'],
    deployments: clustered,
    finalMs: 25_000,
    happenings: [
      {
        when: atOnce,
        act: (hands) => {
          hands.did('e', 'held');
          hands.cluster.hold(noImage);
        },
      },
      { when: isOver, act: released },
    ],
  },
  'not-admitted': {
    ...one('exit0'),
    ends: ['INFRA_INTERRUPTED'],
    deployments: clustered,
    happenings: [
      held,
      { when: (view) => view.hasPod('e'), afterMs: 50, act: (hands) => hands.disrupt('e', 'not_admitted') },
      { when: isOver, act: released },
    ],
  },
  'quota-queue': {
    orders: [
      { name: 'e', program: 'patient' },
      { name: 'f', program: 'exit3', atMs: 5 },
    ],
    ends: ['SUCCEEDED', 'FAILED'],
    quota: 1,
    promptMs: 5_000,
  },
  'quota-raised': {
    ...one('exit0'),
    ends: ['SUCCEEDED'],
    quota: 0,
    happenings: [{ when: atOnce, afterMs: 10_000, act: ({ cluster }) => cluster.setQuota(1) }],
  },
  'queue-timeout': { ...one('hasty'), ends: ['START_TIMEOUT'], quota: 0 },
  rejected: { ...one('exit0'), ends: ['REJECTED'], happenings: [{ when: atOnce, act: refused }] },
  squatted: {
    ...one('exit0'),
    ends: ['REJECTED'],
    happenings: [{ when: isState('ACCEPTED'), act: (hands) => hands.squat('e') }],
  },
  'cancel-queued': {
    ...one('exit0'),
    ends: ['CANCELLED'],
    quota: 0,
    happenings: [
      { when: isState('ACCEPTED'), afterMs: 300, act: cancelled },
      { when: isOver, act: ({ cluster }) => cluster.setQuota(1) },
    ],
  },
  'cancel-accepted': {
    ...one('exit0'),
    ends: ['CANCELLED', 'SUCCEEDED'],
    happenings: [{ when: isState('ACCEPTED'), act: cancelled }],
  },
  'cancel-held': {
    ...one('exit0'),
    ends: ['CANCELLED'],
    deployments: clustered,
    happenings: [held, { when: isState('LAUNCHING'), afterMs: 50, act: cancelled }, { when: isOver, act: released }],
  },
  'cancel-launching': {
    ...one('exit0'),
    ends: ['CANCELLED', 'SUCCEEDED'],
    happenings: [{ when: isState('LAUNCHING'), act: cancelled }],
  },
  'cancel-at-start': {
    ...one('forever'),
    ends: ['CANCELLED'],
    happenings: [{ when: isStarted, act: cancelled }],
  },
  'cancel-running': {
    ...one('forever'),
    ends: ['CANCELLED'],
    keepsOutput: true,
    happenings: [{ when: isStarted, afterMs: 300, act: cancelled }],
  },
  'cancel-elsewhere': {
    ...one('forever'),
    ends: ['CANCELLED'],
    keepsOutput: true,
    processes: 2,
    deployments: ['embedded', 'gated'],
    happenings: [{ when: isStarted, afterMs: 300, act: cancelled }],
  },
  'cancel-node-lost': {
    ...one('slow'),
    ends: ['CANCELLED', 'INFRA_INTERRUPTED'],
    deployments: clustered,
    happenings: [
      { when: isStarted, afterMs: 300, act: (hands) => hands.disrupt('e', 'node_lost') },
      { when: isStarted, afterMs: 500, act: cancelled },
      { when: isStarted, afterMs: 10_000, act: (hands) => hands.disrupt('e', 'node_gone') },
    ],
  },
  'cancel-ended': {
    ...one('exit0'),
    ends: ['CANCELLED', 'SUCCEEDED'],
    happenings: [{ when: (view) => view.stops('e') > 0, act: cancelled }],
  },
} as const satisfies Record<string, Scenario>;
