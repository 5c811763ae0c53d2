import type { OpenExecution } from '../../src/execution/execution.ts';
import type { Disruption } from '../../src/sandbox/memory/disruption.ts';
import { defaultDelaysMs, type Step } from '../../src/sandbox/memory/state.ts';
import { atOnce, isStarted, isState, one } from './happenings.ts';
import type { ProgramName } from './programs.ts';
import type { Happening, Scenario } from './scenario.ts';
import { cancelling } from './scenarios-cancelling.ts';
import { logUnreadable } from './scenarios-lost-node.ts';

/** A program that ends by itself. */
function ending(program: ProgramName, ...ends: Scenario['ends']): Scenario {
  return { ...one(program), ends, promptMs: 5_000 };
}

/** Something that befalls what runs, some time after its start. */
function befalling(how: Disruption, ...ends: Scenario['ends']): Scenario {
  const happening: Happening = { when: isStarted, afterMs: 700, act: (hands) => hands.disrupt('e', how) };
  return { ...one('slow'), ends, happenings: [happening], deployments: ['cloud', 'embedded'] };
}

/** Something that befalls the watches while a program runs that nobody else would miss for long. */
function unwatched(when: Happening['when'], act: Happening['act']): Scenario {
  return { ...one('slow'), ends: ['SUCCEEDED'], promptMs: 5_000, happenings: [{ when, act }] };
}

/** A Job that a stranger deletes before its execution is recorded as launching. */
function robbed(act: Happening['act']): Scenario {
  const when: Happening['when'] = (view) => view.job('e') !== undefined && view.state('e') === 'ACCEPTED';
  return { ...one('exit0'), ends: ['LOST', 'SUCCEEDED'], happenings: [{ when, act }] };
}

/** Events of a Job that is not the execution's, as late or mistaken messages could cause. */
function rumour(state: OpenExecution['state'], afterMs: number): Happening {
  return { when: isState(state), afterMs, act: (hands) => hands.rumour('e') };
}

const slow: Partial<Record<Step, number>> = { containerStart: 2_000, statusReport: 1_500, kill: 2_000, watch: 700 };

const endings = {
  exit0: ending('exit0', 'SUCCEEDED'),
  exit3: ending('exit3', 'FAILED'),
  segfault: ending('segfault', 'FAILED'),
  says124: ending('says124', 'FAILED'),
  timeout: ending('limited', 'TIMED_OUT'),
  overdue: { ...one('frozen'), ends: ['TIMED_OUT'], keepsOutput: true, finalMs: 17_000 },
  oom: ending('greedy', 'MEMORY_LIMIT'),
  killed: ending('killer', 'KILLED'),
  big: ending('big', 'SUCCEEDED'),
  noisy: ending('noisy', 'SUCCEEDED'),
  abandoned: { ...one('abandoned'), ends: ['TIMED_OUT', 'START_TIMEOUT'] },
  sluggish: { ...one('exit0'), ends: ['SUCCEEDED'], delay: (step) => slow[step] ?? defaultDelaysMs[step] },
} as const satisfies Record<string, Scenario>;

const disruptions = {
  evicted: befalling('evicted', 'INFRA_INTERRUPTED'),
  preempted: befalling('preempted', 'INFRA_INTERRUPTED'),
  drained: befalling('drained', 'INFRA_INTERRUPTED'),
  'node-shutdown': befalling('node_shutdown', 'INFRA_INTERRUPTED'),
  'disk-full': befalling('disk_full', 'DISK_LIMIT'),
  'out-of-memory': befalling('out_of_memory', 'MEMORY_LIMIT'),
  'status-unknown': befalling('status_unknown', 'INFRA_INTERRUPTED'),
  'sandbox-killed': befalling('killed', 'KILLED'),
  'pod-deleted': befalling('pod_deleted', 'LOST'),
  'job-deleted': befalling('job_deleted', 'LOST'),
  vanished: befalling('vanished', 'LOST'),
  'job-deadline': befalling('job_deadline', 'TIMED_OUT', 'START_TIMEOUT'),
  'node-lost': {
    ...one('slow'),
    ends: ['INFRA_INTERRUPTED', 'LOST'],
    deployments: ['cloud', 'embedded'],
    happenings: [
      { when: isStarted, afterMs: 700, act: (hands) => hands.disrupt('e', 'node_lost') },
      { when: isStarted, afterMs: 30_000, act: (hands) => hands.disrupt('e', 'node_gone') },
    ],
  },
  // An embedded process makes a thousand calls more in that time: it plays this story without faults.
  'log-unreadable': { ...logUnreadable, deployments: ['cloud'] },
  'job-deleted-at-start': {
    ...one('slow'),
    ends: ['LOST'],
    deployments: ['cloud', 'embedded'],
    happenings: [{ when: isStarted, act: (hands) => hands.disrupt('e', 'job_deleted') }],
  },
  'pod-deleted-at-start': {
    ...one('slow'),
    ends: ['LOST'],
    deployments: ['cloud', 'embedded'],
    happenings: [{ when: isStarted, act: (hands) => hands.disrupt('e', 'pod_deleted') }],
  },
  'job-deleted-launching': {
    ...one('exit0'),
    ends: ['LOST', 'SUCCEEDED'],
    happenings: [{ when: isState('LAUNCHING'), act: (hands) => hands.disrupt('e', 'job_deleted') }],
  },
  'job-deleted-ended': {
    ...one('slow'),
    ends: ['LOST', 'SUCCEEDED'],
    deployments: ['cloud', 'embedded'],
    happenings: [{ when: (view) => view.stops('e') > 0, act: (hands) => hands.disrupt('e', 'job_deleted') }],
  },
  'pod-deleted-ended': {
    ...one('slow'),
    ends: ['LOST', 'SUCCEEDED'],
    deployments: ['cloud', 'embedded'],
    happenings: [{ when: (view) => view.stops('e') > 0, act: (hands) => hands.disrupt('e', 'pod_deleted') }],
  },
  'overdue-robbed': {
    ...one('frozen'),
    ends: ['LOST'],
    deployments: ['cloud', 'embedded'],
    happenings: [{ when: isStarted, afterMs: 700, act: (hands) => hands.disrupt('e', 'job_deleted') }],
  },
  'job-deleted-accepted': robbed((hands) => hands.disrupt('e', 'job_deleted')),
  'job-deleted-slowly': robbed((hands) => hands.deleteInForeground('e')),
} as const satisfies Record<string, Scenario>;

const foreign = {
  'copied-job': {
    ...one('slow'),
    ends: ['SUCCEEDED'],
    deployments: ['cloud', 'embedded'],
    happenings: [{ when: isState('LAUNCHING'), act: (hands) => hands.impersonate('e') }],
  },
  'job-replaced': {
    ...one('exit0'),
    ends: ['LOST', 'SUCCEEDED'],
    deployments: ['cloud', 'embedded'],
    delay: (step) => (step === 'garbageCollection' ? 50 : defaultDelaysMs[step]),
    happenings: [{ when: isState('LAUNCHING'), act: (hands) => hands.replace('e') }],
  },
  'rumours-launching': { ...one('exit0'), ends: ['SUCCEEDED'], happenings: [rumour('LAUNCHING', 0)] },
  'rumours-running': { ...one('slow'), ends: ['SUCCEEDED'], happenings: [rumour('RUNNING', 300)] },
  'rumours-unstarted': {
    ...one('exit0'),
    ends: ['CANCELLED', 'SUCCEEDED'],
    happenings: [{ when: isState('LAUNCHING'), act: (hands) => hands.cancel('e') }, rumour('STOPPING', 0)],
  },
  'rumours-stopping': {
    ...one('forever'),
    ends: ['CANCELLED'],
    keepsOutput: true,
    happenings: [{ when: isStarted, afterMs: 300, act: (hands) => hands.cancel('e') }, rumour('STOPPING', 0)],
  },
} as const satisfies Record<string, Scenario>;

const watches = {
  'watch-cut': unwatched(isStarted, ({ cluster }) => cluster.cutWatches()),
  'watch-expired': unwatched(isStarted, ({ cluster }) => cluster.expireWatches()),
  'watch-expired-at-end': unwatched(
    (view) => view.stops('e') > 0,
    ({ cluster, later }) => later(6, () => cluster.expireWatches()),
  ),
  'watch-twice': unwatched(atOnce, ({ cluster }) => cluster.duplicateWatchEvents(true)),
} as const satisfies Record<string, Scenario>;

const several = {
  keys: {
    orders: [
      { name: 'e', program: 'exit0' },
      { name: 'e', program: 'exit0', atMs: 1 },
      { name: 'f', program: 'exit3', key: 'e', atMs: 2 },
      { name: 'g', program: 'exit3', key: 'e', caller: 'you', atMs: 2 },
    ],
    ends: ['SUCCEEDED', 'FAILED'],
  },
  crowd: {
    orders: [
      { name: 'e', program: 'exit0' },
      { name: 'f', program: 'exit3' },
      { name: 'g', program: 'slow' },
    ],
    ends: ['SUCCEEDED', 'FAILED'],
    promptMs: 5_000,
  },
  // Each is accepted while others are launched, and waits for none of them to end.
  trickle: {
    orders: Array.from(
      { length: 6 },
      (_, index) => ({ name: `e${index}`, program: 'exit0', atMs: 2 * index }) as const,
    ),
    ends: ['SUCCEEDED'],
    deployments: ['embedded', 'gated'],
    finalMs: 500,
  },
  'two-stores': {
    orders: [
      { name: 'e', program: 'slow' },
      { name: 'f', program: 'exit3', site: 1 },
    ],
    ends: ['SUCCEEDED', 'FAILED'],
    quota: 1,
  },
  neighbours: { ...one('slow'), ends: ['SUCCEEDED', 'LOST'], processes: 2, deployments: ['embedded', 'gated'] },
} as const satisfies Record<string, Scenario>;

/** Every story that faults are put into. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  ...endings,
  ...disruptions,
  ...foreign,
  ...watches,
  ...several,
  ...cancelling,
};
