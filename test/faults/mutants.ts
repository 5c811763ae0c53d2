import { fenceMutants } from './mutants-fences.ts';
import { pipelineMutants } from './mutants-pipeline.ts';

/** A known mistake, planted into a copy of the sources: the suite must notice it there. */
export interface Mutant {
  readonly name: string;
  /** Path below the repository's root. */
  readonly file: string;
  /** Text that is there exactly once, and what stands there instead. */
  readonly from: string;
  readonly to: string;
  /** A schedule that is known to notice it; the quick part follows, should it do so no more. */
  readonly by?: string;
}

const rounds: readonly Mutant[] = [
  {
    name: 'there is no reconciler',
    file: 'src/pipeline/reconcile.ts',
    from: '  const { target } = ports.sandbox;\n',
    to: "  const { target } = ports.sandbox;\n  if (ports.sandbox.kind === 'memory') return 0;\n",
  },
  {
    name: 'a lease never expires',
    file: 'src/pipeline/reconcile.ts',
    from: 'items.filter(({ expiresAt }) => expiresAt > clock.now())',
    to: 'items.filter(({ expiresAt }) => expiresAt > 0 && clock.now() > 0)',
  },
  {
    name: 'executions of living processes are taken over',
    file: 'src/pipeline/reconcile.ts',
    from: '  if (alive.has(owner.process)) return undefined;\n',
    to: '',
  },
  {
    name: 'an ending that the watch missed is not looked for',
    file: 'src/pipeline/reconcile.ts',
    from: ' || now - execution.startedAt > patienceMs.running',
    to: '',
  },
  {
    name: 'a start signal that was not given is not given again',
    file: 'src/pipeline/reconcile.ts',
    from: "        await ports.bus.publish('execution-requested', { executionId: execution.id });\n",
    to: '',
  },
  {
    name: 'the sweep deletes Jobs of ACCEPTED executions',
    file: 'src/pipeline/reconcile.ts',
    from: "return execution.state === 'ACCEPTED' || execution.jobUid === job.jobUid;",
    to: "return execution.state !== 'ACCEPTED' && execution.jobUid === job.jobUid;",
    by: 'race cloud/created/launch+sweep/still bbbabbaaabaaabbbbb++b+b+',
  },
  {
    name: 'the sweep deletes nothing',
    file: 'src/pipeline/reconcile.ts',
    from: 'if (!wanted(execution, job)) await',
    to: 'if (job.jobUid === "") await',
  },
];

const model: readonly Mutant[] = [
  {
    name: 'a final state can change',
    file: 'src/execution/transitions.ts',
    from: '  if (isFinal(execution)) return execution;\n',
    to: "  if (isFinal(execution)) return event.type === 'ended' ? { ...execution, ...event.verdict } : execution;\n",
  },
  {
    name: 'a later Job replaces the recorded one',
    file: 'src/execution/transitions.ts',
    from: "function fromLaunching(execution: ExecutionIn<'LAUNCHING'>, event: ExecutionEvent, now: number): Execution {\n  switch (event.type) {\n",
    to: "function fromLaunching(execution: ExecutionIn<'LAUNCHING'>, event: ExecutionEvent, now: number): Execution {\n  switch (event.type) {\n    case 'launched':\n      return { ...execution, jobUid: event.jobUid };\n",
    by: 'race cloud/accepted/launch+launch/still aaatb',
  },
  {
    name: 'START_TIMEOUT is said without fencing the Job',
    file: 'src/execution/transitions.ts',
    from: "return stop(execution, 'start_timeout', event.message, now);",
    to: "return stopped(stop(execution, 'start_timeout', event.message, now) as never, false, now);",
  },
  {
    name: 'the epoch does not fence',
    file: 'src/execution/transitions.ts',
    from: 'const fenced = event.epoch !== null && execution.owner?.epoch !== event.epoch;',
    to: 'const fenced = false;',
    by: 'race gated/accepted/launch+reconcile/still aaaaaaaabbbbbbbbbaa',
  },
  {
    name: 'a takeover does not raise the epoch',
    file: 'src/execution/transitions.ts',
    from: 'owner: { process, epoch: fromEpoch + 1 }',
    to: 'owner: { process, epoch: fromEpoch }',
    by: 'race embedded/accepted/launch+launch/still',
  },
  {
    name: 'success is inferred from the absence of failure',
    file: 'src/execution/classify.ts',
    from: "  return verdict('LOST', 'platform', true, { reason: jobReason, message: gone });",
    to: "  return verdict('SUCCEEDED', null, true, { exitCode: 0, reason: jobReason, message: gone });",
    by: 'play cloud/pod-deleted complete:sandbox.output#1=stall',
  },
  {
    name: 'exit code 137 means out of memory',
    file: 'src/execution/classify.ts',
    from: "if (reason === 'OOMKilled') {",
    to: "if (reason === 'OOMKilled' || exitCode === 137) {",
  },
  {
    name: 'exit code 124 means timed out',
    file: 'src/execution/classify.ts',
    from: 'exitCode === timeoutExitCode && reachedLimit(container, context)',
    to: 'exitCode === timeoutExitCode',
  },
  {
    name: 'nobody knows whether it started, so a retry is safe',
    file: 'src/execution/final.ts',
    from: 'retrySafe: !started && seenStarted === false,',
    to: 'retrySafe: !started,',
    by: 'race cloud/stopping-signalled/complete+complete/quick',
  },
  {
    name: 'the Job has a random name',
    file: 'src/execution/identity.ts',
    from: 'return `run-',
    to: 'return Math.random() + `run-',
  },
];

const adapters: readonly Mutant[] = [
  {
    name: 'the compare-and-set is dropped',
    file: 'src/store/memory.ts',
    from: '    if (rows.get(id) !== row) continue;\n',
    to: '',
    by: 'race cloud/expired/reconcile+reconcile/still +',
  },
  {
    name: 'a Job that is there already is an error',
    file: 'src/sandbox/memory.ts',
    from: 'if (existing !== undefined) return verified(existing, request);',
    to: "if (existing !== undefined) throw new Error('409');",
  },
  {
    name: 'a Job that is there already is ours, whatever it is',
    file: 'src/sandbox/memory.ts',
    from: 'if (existing !== undefined) return verified(existing, request);',
    to: "if (existing !== undefined) return { kind: 'created', jobUid: existing.uid };",
  },
  {
    name: 'a deletion has no uid precondition',
    file: 'src/sandbox/memory/api.ts',
    from: 'if (state.jobs.get(name)?.uid === uid) deleteJob(state, uid, propagation);',
    to: 'deleteJob(state, state.jobs.get(name)?.uid ?? uid, propagation);',
    by: 'race cloud/accepted/launch+launch/still bbbtaaaaabbbbaaaaaaaaaaaabbbb',
  },
  {
    name: 'an expired watch is resumed instead of listed anew',
    file: 'src/sandbox/memory/mirror.ts',
    from: "while (why === 'cut') why",
    to: "while (why !== 'aborted') why",
  },
  {
    name: 'an expired watch is the end of watching',
    file: 'src/sandbox/memory/mirror.ts',
    from: "while (why === 'cut') why = await api.watch({ installation, from, signal, onChange });",
    to: "while (why === 'cut') why = await api.watch({ installation, from, signal, onChange });\n  if (why === 'expired') await new Promise((resolve) => signal.addEventListener('abort', resolve));",
  },
];

export const mutants: readonly Mutant[] = [...pipelineMutants, ...rounds, ...model, ...adapters, ...fenceMutants];
