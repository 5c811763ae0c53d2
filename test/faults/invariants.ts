import { type Execution, type FinalExecution, type FinalState, isFinal } from '../../src/execution/execution.ts';
import type { Lab, Site } from './lab.ts';
import type { Write } from './ledger.ts';
import type { Deed, Order } from './scenario.ts';
import { type Story, storyOf, type Truth, truthOf } from './truth.ts';

/** One order with what was done to it from outside. */
export interface Case {
  readonly order: Order;
  readonly deeds: ReadonlySet<Deed>;
}

type Violate = (invariant: string, message: string) => void;

/*
 * What is checked after each schedule, by the numbers of the plan; in brackets where, if not here.
 *
 * I1   every accepted id becomes final, within a bound after the last fault          [settle.ts, client.ts]
 * I2   a final record is never written again, its output neither                     [lab.ts, settle.ts]
 * I3   one start at most, none before LAUNCHING or after the end, in one Job only    [also lab.ts]
 * I4   no Job, pod or ConfigMap is left of what is final, or of no record
 * I5   every ConfigMap has its owner
 * I6   callbacks: there are none yet
 * I7   callbacks: there are none yet
 * I8   a refused request leaves nothing; a message never runs ahead of its record    [client.ts, lab.ts]
 * I9   one key of one caller is one execution; with another body it is refused       [client.ts]
 * I10  state, times, output and the promise of a safe retry agree with the cluster   [also settle.ts, undisturbed.ts]
 * I11  a call that was acknowledged has nothing under way                            [cloud.ts, failpoints.ts]
 * I12  nothing throws on duplicate, late or foreign messages, no error is unheard    [errors.ts, play.ts, settle.ts]
 * I13  logs hold no code: these use cases write none, their callers do
 * I14  work is bounded: calls in all, Jobs for an execution, calls for a replay      [failpoints.ts, settle.ts, undisturbed.ts]
 *
 * Beside them: `owner`, only what a lapsed lease left is taken over, and only the owner starts it [lab.ts]; `liveness`,
 * without faults a result or a free slot is not left for the reconciler to find [undisturbed.ts].
 */

/** Holds every record of a store against what the cluster really did; called when all is quiet. */
export function checkRecords(lab: Lab, site: Site, caseOf: (execution: Execution) => Case | undefined): void {
  const faulty = lab.failpoints.trace.some(({ kind }) => kind !== undefined);
  for (const writes of site.ledger.writes.values()) {
    const last = writes.at(-1);
    if (last === undefined) continue;
    const { execution } = last;
    const violate: Violate = (invariant, message) => lab.violate(invariant, `${execution.id} ${message}`);
    const found = caseOf(execution);
    if (found === undefined || !isFinal(execution)) {
      violate('I1', `is ${execution.state}`);
      continue;
    }
    const truth = truthOf(lab.cluster.history, site.installation, execution.id);
    const story = storyOf(found.order);
    checkStarts(violate, writes, truth);
    for (const { jobUid } of truth.starts) if (jobUid !== execution.jobUid) violate('I3', `was started in ${jobUid}`);
    if (lab.gated) checkSignals(violate, writes, truth);
    checkClaims(violate, execution, truth);
    checkTimes(violate, execution, truth, lab.gated);
    const evidence = { ...found, truth, story, faulty };
    checkState(violate, execution, evidence);
    checkOutput(violate, last, evidence);
  }
}

/** I3: one start at most, after the record allowed it, and nothing runs once the record is final. */
function checkStarts(violate: Violate, writes: readonly Write[], { starts, stops }: Truth): void {
  if (starts.length > 1) violate('I3', `was started ${starts.length} times`);
  const allowed = writes.find(({ execution }) => execution.state !== 'ACCEPTED')?.at;
  const final = writes.find(({ execution }) => isFinal(execution))?.at;
  for (const { at } of starts) {
    if (allowed === undefined || at < allowed) violate('I3', 'was started before its record was LAUNCHING');
    if (final !== undefined && at > final) violate('I3', 'was started after it was final');
  }
  if (stops.length !== starts.length) violate('I3', `was started ${starts.length} and ended ${stops.length} times`);
  for (const { at } of stops) {
    if (final !== undefined && at > final) violate('I3', `ran on for ${at - final} ms after it was final`);
  }
}

/** Whoever starts a program itself must have owned the execution when that was permitted: a lost lease fences. */
function checkSignals(violate: Violate, writes: readonly Write[], { signals }: Truth): void {
  const permitted = writes.find(({ execution }) => execution.state === 'RUNNING')?.execution.owner?.process;
  for (const { client } of signals) {
    if (permitted !== client) violate('owner', `was started by ${client}, but it was ${permitted}'s to start`);
  }
}

/** I10, the part that callers act on: whether code ran, and whether asking again could run it twice. */
function checkClaims(violate: Violate, { state, started, retrySafe }: FinalExecution, { starts }: Truth): void {
  const ran = starts.length > 0;
  if (ran && retrySafe) violate('I10', `is ${state} and called safe to retry, although it was started`);
  if (started && retrySafe) violate('I10', `is ${state}, started and safe to retry`);
}

/** I10: the kubelet's whole seconds; what starts at once when it is permitted may have been held up after the permit. */
function checkTimes(violate: Violate, execution: FinalExecution, { starts, stops }: Truth, gated: boolean): void {
  const { startedAt, finishedAt } = execution;
  const kubeletTime = (at = Number.NaN) => (gated ? at : Math.floor(at / 1000) * 1000);
  const isPermit = gated && (starts[0]?.at ?? Number.POSITIVE_INFINITY) >= (startedAt ?? 0);
  if (startedAt !== null && !isPermit && startedAt !== kubeletTime(starts[0]?.at)) {
    violate('I10', `says it started at ${startedAt} and not at ${starts[0]?.at}`);
  }
  if (finishedAt !== null && finishedAt !== kubeletTime(stops[0]?.at)) {
    violate('I10', `says it finished at ${finishedAt} and not at ${stops[0]?.at}`);
  }
}

interface Evidence extends Case {
  readonly truth: Truth;
  readonly story: Story;
  /** Faults were put into the run. */
  readonly faulty: boolean;
}

/** What must be true for a record to say so. */
const grounds: Readonly<Record<FinalState, (evidence: Evidence, execution: FinalExecution) => boolean>> = {
  SUCCEEDED: (evidence, { exitCode }) => endedItself(evidence) && evidence.story.exitCode === 0 && exitCode === 0,
  // The signal is known from the last word in the log, which may be lost where the exit code is not; and where a
  // cancellation took log and pod away, it kept what was printed, but not that word.
  FAILED: ({ story, truth, deeds }, { exitCode, signal, output }) =>
    endedItself({ story, truth }) &&
    !story.outOfMemory &&
    exitCode === story.exitCode &&
    (signal === story.signal || !output.complete || (signal === null && deeds.has('cancelled'))),
  // A process that was frozen between the permit and the start has spent the time of its program.
  TIMED_OUT: ({ story, truth, deeds }, { startedAt }) =>
    deeds.has('job_deadline') ||
    (story.timedOut && (ranMs(truth) >= 2_000 || (truth.starts[0]?.at ?? 0) > (startedAt ?? 0) + 5_000)),
  MEMORY_LIMIT: ({ story, deeds }) => story.outOfMemory || deeds.has('out_of_memory'),
  DISK_LIMIT: ({ deeds }) => deeds.has('disk_full'),
  KILLED: ({ story, deeds }) => story.killed || deeds.has('killed'),
  START_TIMEOUT: ({ deeds }, { acceptedAt, endedAt, request }) =>
    endedAt - acceptedAt > request.startTimeoutSeconds * 1000 || deeds.has('held') || deeds.has('job_deadline'),
  INFRA_INTERRUPTED: ({ deeds }) => infrastructure.some((deed) => deeds.has(deed)),
  // A permit that a fault kept from being used is a start that did not come in time; what then comes is stopped.
  LOST: ({ deeds, truth, faulty }, { startedAt }) =>
    losses.some((deed) => deeds.has(deed)) ||
    (faulty && startedAt !== null && (truth.starts[0]?.at ?? Number.POSITIVE_INFINITY) > startedAt + 10_000),
  REJECTED: ({ deeds }) => deeds.has('refused'),
  CANCELLED: ({ deeds }) => deeds.has('cancelled'),
};

const infrastructure: readonly Deed[] = [
  'evicted',
  'preempted',
  'drained',
  'node_shutdown',
  'status_unknown',
  'not_admitted',
  'node_gone',
];
const losses: readonly Deed[] = [
  'pod_deleted',
  'job_deleted',
  'vanished',
  'crashed',
  'node_lost',
  'node_gone',
  'drained',
  'preempted',
];

/** I10: the state says what happened. */
function checkState(violate: Violate, execution: FinalExecution, evidence: Evidence): void {
  if (!grounds[execution.state](evidence, execution)) {
    const said = `${execution.state} (${execution.reason}: ${execution.message})`;
    violate('I10', `says ${said} of ${evidence.order.program} after ${[...evidence.deeds].join(', ') || 'nothing'}`);
  }
  if (execution.state !== 'SUCCEEDED' && execution.exitCode === 0) violate('I10', `is ${execution.state} with code 0`);
}

function ranMs({ starts, stops }: Truth): number {
  return (stops[0]?.at ?? 0) - (starts[0]?.at ?? 0);
}

function endedItself({ story, truth }: Pick<Evidence, 'story' | 'truth'>): boolean {
  return truth.stops.length === 1 && !story.timedOut && !story.killed && ranMs(truth) === story.endsAfterMs;
}

/** I10 and I2: what is stored is what was printed, first bytes first, and the record counts it right. */
function checkOutput(violate: Violate, { at, execution, parts }: Write, evidence: Evidence): void {
  if (!isFinal(execution)) return;
  const { output, state } = execution;
  const whole = state === 'SUCCEEDED' || state === 'FAILED';
  for (const name of ['stdout', 'stderr'] as const) {
    const stored = parts.get(name) ?? new Uint8Array(0);
    const printed = evidence.story[name];
    if (output[name].bytes !== stored.length) {
      violate('I10', `counts ${output[name].bytes} bytes of ${name} and stores ${stored.length}`);
    }
    if (output[name].truncated !== output[name].totalBytes > stored.length)
      violate('I10', `is wrong about its ${name}`);
    if (Buffer.compare(stored, printed.subarray(0, stored.length)) !== 0) violate('I10', `stores foreign ${name}`);
    if (whole && output.complete && stored.length !== printed.length) violate('I10', `lost some of its ${name}`);
    if (evidence.truth.starts.length === 0 && stored.length > 0) violate('I10', `has ${name} without a start`);
  }
  if (whole && !output.complete && !mayLoseOutput(at, evidence)) {
    violate('I10', `is ${state} and lost output that its pod still had`);
  }
}

/** What is deleted or rotated away cannot be read; what could not be read for five minutes is given up. */
function mayLoseOutput(at: number, { faulty, truth, story, deeds }: Evidence): boolean {
  // The kubelet's clock has whole seconds.
  const isGivenUp = faulty && at - (truth.stops.at(-1)?.at ?? at) > 299_000;
  // Who stops an execution deletes its pod once what was printed until then is stored.
  return isGivenUp || deeds.has('cancelled') || story.rotated || losses.some((deed) => deeds.has(deed));
}

/** I4 and I5: nothing is left of what is final. */
export function checkCluster(lab: Lab): void {
  const { jobs, pods, configMaps } = lab.cluster.objects();
  const ours = new Set(lab.sites.map(({ installation }) => installation));
  for (const { name, installation } of [...jobs, ...pods, ...configMaps]) {
    if (ours.has(installation)) lab.violate('I4', `${name} is left behind`);
  }
  const uids = new Set(jobs.map(({ uid }) => uid));
  for (const { name, ownerUid } of configMaps) {
    if (!uids.has(ownerUid)) lab.violate('I5', `ConfigMap ${name} has no owner`);
  }
}
