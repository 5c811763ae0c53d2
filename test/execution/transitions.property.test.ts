import fc from 'fast-check';
import { expect, test } from 'vitest';
import { classify } from '../../src/execution/classify.ts';
import { type Execution, executionSchema, isFinal, type OutputSummary } from '../../src/execution/execution.ts';
import { type ExecutionEvent, transition } from '../../src/execution/transitions.ts';
import { accepted, common } from './samples.ts';
import { anyEnding } from './samples-random.ts';

const uid = fc.constantFrom('uid-1', 'uid-2');
const epoch = fc.constantFrom(3, 4, 5);
const time = fc.nat(100_000);
const streams: fc.Arbitrary<OutputSummary['stdout']> = fc.record({
  bytes: fc.nat(10),
  totalBytes: fc.nat(20),
  truncated: fc.boolean(),
});
const output: fc.Arbitrary<OutputSummary> = fc.record({
  stdout: streams,
  stderr: streams,
  files: fc.array(fc.record({ path: fc.constantFrom('a', 'b/c'), bytes: fc.nat(10) }), { maxLength: 2 }),
  omittedFiles: fc.nat(2),
  kernel: fc.constantFrom('gVisor 4.4.0', null),
  complete: fc.boolean(),
  incompleteBecause: fc.constantFrom('the pod or its log is gone', null),
  durationMs: fc.option(fc.nat(1000)),
});
const waiting = fc.record({
  reason: fc.constantFrom('Quota', 'Image', 'Mount'),
  message: fc.constantFrom('a', 'b'),
  curable: fc.boolean(),
});

/** An event; endings carry no verdict yet, since that depends on what the record knows. */
const event: fc.Arbitrary<ExecutionEvent> = fc.oneof(
  fc.record({ type: fc.constant('waiting'), jobUid: fc.constantFrom(null, 'uid-1', 'uid-2'), waiting }),
  fc.record({ type: fc.constant('launched'), jobUid: uid }),
  fc.record({ type: fc.constant('started'), jobUid: uid, startedAt: time, epoch: fc.option(epoch) }),
  fc.record({ type: fc.constant('ended'), jobUid: uid, ending: anyEnding, output }).map((ended) => ({
    ...ended,
    verdict: classify(ended.ending, { timeoutSeconds: 1, started: false, report: null }),
  })),
  fc.constant({ type: 'cancelRequested' } as const),
  fc.record({ type: fc.constant('startExpired'), message: fc.constant('late') }),
  fc.constant({ type: 'overdue' } as const),
  fc.record({ type: fc.constant('lost'), jobUid: uid, message: fc.constant('gone') }),
  fc.record({ type: fc.constant('collected'), jobUid: uid, output }),
  fc.record({ type: fc.constant('removed'), jobUid: uid, started: fc.boolean() }),
  fc.record({ type: fc.constant('unfenced'), jobUid: uid, message: fc.constant('there') }),
  fc.record({ type: fc.constant('rejected'), message: fc.constant('policy') }),
  fc.record({ type: fc.constant('takenOver'), process: fc.constantFrom('p2', 'p3'), fromEpoch: epoch }),
);

const history = fc.array(fc.tuple(event, time), { maxLength: 30 });

const uidOf = (execution: Execution) => (execution.state === 'ACCEPTED' ? null : execution.jobUid);
const startOf = (execution: Execution) =>
  execution.state === 'ACCEPTED' || execution.state === 'LAUNCHING' ? null : execution.startedAt;
const epochOf = ({ owner }: Execution) => owner?.epoch ?? 0;

/** As the pipeline does: the verdict on an ending knows whether the record saw a start. */
function judged(execution: Execution, happened: ExecutionEvent): ExecutionEvent {
  if (happened.type !== 'ended') return happened;
  const context = { timeoutSeconds: 60, started: startOf(execution) !== null, report: null };
  return { ...happened, verdict: classify(happened.ending, context) };
}

const runs = { numRuns: 3000 };

test('whatever happens, in whatever order, an execution keeps its promises', () => {
  fc.assert(
    fc.property(history, (happenings) => {
      let execution: Execution = accepted;
      let endings = 0;
      for (const [happened, now] of happenings) {
        const before = execution;
        execution = transition(before, judged(before, happened), now);
        if (isFinal(before)) expect(execution).toBe(before);
        if (!isFinal(before) && isFinal(execution)) endings += 1;
        if (uidOf(before) !== null) expect(uidOf(execution)).toBe(uidOf(before));
        if (startOf(before) !== null) expect(startOf(execution)).not.toBeNull();
        expect(epochOf(execution)).toBeGreaterThanOrEqual(epochOf(before));
        const { id, target, caller, bodyHash, acceptedAt } = common;
        expect(execution).toMatchObject({ id, target, caller, bodyHash, acceptedAt });
      }
      expect(endings).toBe(isFinal(execution) ? 1 : 0);
    }),
    runs,
  );
});

test('every execution that can come about is a document that parses to itself', () => {
  fc.assert(
    fc.property(history, (happenings) => {
      const execution = happenings.reduce<Execution>(
        (current, [happened, now]) => transition(current, judged(current, happened), now),
        accepted,
      );
      expect(executionSchema.parse(JSON.parse(JSON.stringify(execution)))).toEqual(execution);
    }),
    runs,
  );
});

test('a final execution forgets secrets, and calls a retry safe only when nothing is known to have started', () => {
  fc.assert(
    fc.property(history, (happenings) => {
      const execution = happenings.reduce<Execution>(
        (current, [happened, now]) => transition(current, judged(current, happened), now),
        accepted,
      );
      if (!isFinal(execution)) return;
      expect(execution.request.env).toEqual({});
      expect(execution.request.envNames).toEqual(common.request.envNames);
      if (execution.started) expect(execution.retrySafe).toBe(false);
      if (execution.startedAt !== null) expect(execution.started).toBe(true);
      if (execution.jobUid === null) expect(execution).toMatchObject({ started: false, retrySafe: true });
    }),
    runs,
  );
});

test('the same event twice changes nothing the second time, except that a Job is launched once', () => {
  fc.assert(
    fc.property(history, event, time, (happenings, last, now) => {
      const execution = happenings.reduce<Execution>(
        (current, [happened, at]) => transition(current, judged(current, happened), at),
        accepted,
      );
      const once = transition(execution, last, now);
      expect(transition(once, last, now + 1)).toBe(once);
    }),
    runs,
  );
});
