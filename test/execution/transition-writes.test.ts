import { describe, expect, test } from 'vitest';
import { classify } from '../../src/execution/classify.ts';
import { type Execution, stoppingReasons } from '../../src/execution/execution.ts';
import { noOutput } from '../../src/execution/final.ts';
import { type ExecutionEvent, transition } from '../../src/execution/transitions.ts';
import { accepted, common, ended, ending, epoch, jobUid, launching, output, running, stopping } from './samples.ts';

const now = 9_000;
const waiting = { reason: 'Image', message: 'pulling', curable: true } as const;

describe('what a transition writes', () => {
  const { owner, request, acceptedAt, ...rest } = common;
  const over = {
    ...rest,
    owner,
    acceptedAt,
    request: { ...request, env: {} },
    jobUid,
    launchedAt: 2_000,
    startedAt: null,
    finishedAt: null,
    endedAt: now,
    exitCode: null,
    signal: null,
    output: noOutput,
    podEnding: null,
  };
  const neverLaunched = { ...over, jobUid: null, launchedAt: null, started: false, retrySafe: true };
  const stopped = (fields: Partial<typeof stopping>): Execution => ({ ...stopping, ...fields });
  const removed = (started: boolean | null): ExecutionEvent => ({ type: 'removed', jobUid, started });

  const whole: readonly { name: string; from: Execution; event: ExecutionEvent; after: unknown }[] = [
    {
      name: 'waiting with the time it was first so',
      from: accepted,
      event: { type: 'waiting', jobUid: null, waiting },
      after: { ...accepted, waiting: { ...waiting, since: now } },
    },
    {
      name: 'a launch without what it waited for before',
      from: { ...accepted, waiting: { ...waiting, since: 1 } },
      event: { type: 'launched', jobUid },
      after: { ...launching, launchedAt: now, waiting: { ...waiting, since: 1 } },
    },
    {
      name: 'a start without what it waited for',
      from: { ...launching, waiting: { ...waiting, since: 1 } },
      event: { type: 'started', jobUid, startedAt: 3_000, epoch: null },
      after: running,
    },
    {
      name: 'a start with the name of its pod',
      from: launching,
      event: { type: 'started', jobUid, startedAt: 3_000, pod: 'run-1', epoch: null },
      after: { ...running, pod: 'run-1' },
    },
    {
      name: 'a stop without the name of the pod',
      from: { ...running, pod: 'run-1' },
      event: { type: 'overdue' },
      after: transition(running, { type: 'overdue' }, now),
    },
    {
      name: 'a late start of what is being stopped',
      from: stopped({ startedAt: null }),
      event: { type: 'started', jobUid, startedAt: 3_000, epoch: null },
      after: stopping,
    },
    {
      name: 'a take-over with the next epoch',
      from: running,
      event: { type: 'takenOver', process: 'p2', fromEpoch: epoch },
      after: { ...running, owner: { process: 'p2', epoch: epoch + 1 } },
    },
    {
      name: 'a cancellation before the launch',
      from: accepted,
      event: { type: 'cancelRequested' },
      after: { ...neverLaunched, state: 'CANCELLED', fault: null, reason: 'Cancelled', message: '' },
    },
    {
      name: 'a rejection',
      from: accepted,
      event: { type: 'rejected', message: 'policy' },
      after: { ...neverLaunched, state: 'REJECTED', fault: 'platform', reason: 'Rejected', message: 'policy' },
    },
    {
      name: 'a start that expired with nothing known',
      from: accepted,
      event: { type: 'startExpired', message: 'late' },
      after: { ...neverLaunched, state: 'START_TIMEOUT', fault: 'platform', reason: 'NotLaunched', message: 'late' },
    },
    {
      name: 'a start that expired in want of what it waited for',
      from: { ...accepted, waiting: { reason: 'Quota', message: 'full', curable: true, since: 1 } },
      event: { type: 'startExpired', message: 'late' },
      after: { ...neverLaunched, state: 'START_TIMEOUT', fault: 'platform', reason: 'Quota', message: 'late: full' },
    },
    {
      name: 'a stop of what had not started',
      from: launching,
      event: { type: 'cancelRequested' },
      after: { ...stopping, startedAt: null, stoppingSince: now },
    },
    {
      name: 'a stop of what runs',
      from: running,
      event: { type: 'cancelRequested' },
      after: { ...stopping, stoppingSince: now },
    },
    {
      name: 'a stop of what did not start, with what it waited for',
      from: { ...launching, waiting: { ...waiting, since: 1 } },
      event: { type: 'startExpired', message: 'late' },
      after: { ...stopping, startedAt: null, stoppingSince: now, why: 'start_timeout', message: 'late: pulling' },
    },
    {
      name: 'a stop of what did not start, with nothing known',
      from: launching,
      event: { type: 'startExpired', message: 'late' },
      after: { ...stopping, startedAt: null, stoppingSince: now, why: 'start_timeout', message: 'late' },
    },
    {
      name: 'a stop of what is lost',
      from: { ...launching, waiting: { ...waiting, since: 1 } },
      event: { type: 'lost', jobUid, message: 'gone' },
      after: { ...stopping, startedAt: null, stoppingSince: now, why: 'lost', message: 'gone' },
    },
    {
      name: 'a stop of what is overdue',
      from: running,
      event: { type: 'overdue' },
      after: { ...stopping, stoppingSince: now, why: 'overdue', message: 'the time limit of 60 s was reached' },
    },
    {
      name: 'an ending with its verdict, its times and its output',
      from: running,
      event: ended(jobUid),
      after: {
        ...over,
        ...classify(ending, { timeoutSeconds: 60, started: true, report: { signal: null } }),
        startedAt: 3_000,
        finishedAt: 4_000,
        output,
        podEnding: ending,
      },
    },
    {
      name: 'an ending without a container, with the start that the record knows',
      from: running,
      event: ended(jobUid, { ...ending, container: null, podReason: 'NodeLost' }, true),
      after: {
        ...over,
        ...classify(
          { ...ending, container: null, podReason: 'NodeLost' },
          { timeoutSeconds: 60, started: true, report: null },
        ),
        startedAt: 3_000,
        output,
        podEnding: { ...ending, container: null, podReason: 'NodeLost' },
      },
    },
    {
      name: 'a removal of what had started, with the output collected before',
      from: stopped({ output }),
      event: removed(false),
      after: {
        ...over,
        state: 'CANCELLED',
        fault: null,
        reason: 'Cancelled',
        message: '',
        started: true,
        retrySafe: false,
        startedAt: 3_000,
        output,
      },
    },
  ];

  test.each(whole)('$name', ({ from, event, after }) => {
    expect(transition(from, event, now)).toEqual(after);
  });

  test('what never ran has printed nothing, and that is all of it', () => {
    const nothing = { bytes: 0, totalBytes: 0, truncated: false };
    const cancelled = transition(accepted, { type: 'cancelRequested' }, now);
    expect(cancelled).toMatchObject({ output: { stdout: nothing, stderr: nothing, complete: true, durationMs: null } });
  });

  test('that a Job starts is written only over another reason for waiting', () => {
    const starts = { type: 'waiting', jobUid, waiting: { reason: 'Starting', message: '', curable: true } } as const;
    expect(transition(launching, starts, now)).toBe(launching);
    const pulling: Execution = { ...launching, waiting: { ...waiting, since: 1 } };
    expect(transition(pulling, starts, now)).toMatchObject({ waiting: { reason: 'Starting', since: now } });
  });

  test('waiting for the same reason is not written again, for another it is', () => {
    const known: Execution = { ...accepted, waiting: { ...waiting, since: 1 } };
    expect(
      transition(known, { type: 'waiting', jobUid: null, waiting: { ...waiting, message: 'still pulling' } }, now),
    ).toBe(known);
    const incurable = { ...waiting, curable: false };
    expect(transition(known, { type: 'waiting', jobUid: null, waiting: incurable }, now)).toMatchObject({
      waiting: { since: now },
    });
    const other = { ...waiting, reason: 'Mount' } as const;
    expect(transition(known, { type: 'waiting', jobUid: null, waiting: other }, now)).toMatchObject({
      waiting: { reason: 'Mount' },
    });
  });

  test('an execution without an owner is nobody’s to take over or to start in an epoch', () => {
    const ownerless: Execution = { ...launching, owner: null };
    expect(transition(ownerless, { type: 'takenOver', process: 'p2', fromEpoch: 0 }, now)).toBe(ownerless);
    expect(transition(ownerless, { type: 'started', jobUid, startedAt: 1, epoch: 0 }, now)).toBe(ownerless);
    const started = transition(ownerless, { type: 'started', jobUid, startedAt: 1, epoch: null }, now);
    expect(started.state).toBe('RUNNING');
  });

  test('what is being stopped keeps the first start and the first output that it learnt', () => {
    const known = stopped({ startedAt: null, output });
    expect(transition(stopping, { type: 'started', jobUid, startedAt: 1, epoch: null }, now)).toBe(stopping);
    expect(transition(known, { type: 'started', jobUid, startedAt: 1, epoch }, now)).toBe(known);
    expect(transition(known, { type: 'collected', jobUid, output: noOutput }, now)).toBe(known);
  });

  test('a stop that did not succeed is LOST, with what is known and no more', () => {
    const unfenced = { type: 'unfenced', jobUid, message: 'there' } as const;
    const lost = { state: 'LOST', fault: 'platform', reason: 'NotRemoved', message: 'there', retrySafe: false };
    const unsure = { complete: false, incompleteBecause: 'it may still run' };
    expect(transition(stopped({ output }), unfenced, now)).toMatchObject({
      ...lost,
      started: true,
      startedAt: 3_000,
      output: { ...output, ...unsure },
    });
    const nothing = { ...lost, started: false, startedAt: null, output: { ...noOutput, ...unsure } };
    expect(transition(stopped({ startedAt: null }), unfenced, now)).toMatchObject(nothing);
  });

  const outcomes = {
    cancelled: { state: 'CANCELLED', fault: null, reason: 'Cancelled' },
    start_timeout: { state: 'START_TIMEOUT', fault: 'platform', reason: 'StartTimeout' },
    lost: { state: 'LOST', fault: 'platform', reason: 'Lost' },
    overdue: { state: 'TIMED_OUT', fault: 'limit', reason: 'Overdue' },
  } as const;

  test.each(stoppingReasons)('a removal of what was stopped as %s ends as that', (why) => {
    const of = (fields: Partial<typeof stopping>, started: boolean | null) =>
      transition(stopped({ why, message: 'said', ...fields }), removed(started), now);
    const said = { ...outcomes[why], message: 'said', endedAt: now };
    expect(of({}, false)).toMatchObject({ ...said, started: true, retrySafe: false, startedAt: 3_000 });
    expect(of({ startedAt: null }, true)).toMatchObject({ ...said, started: true, retrySafe: false, startedAt: null });
    const untouched = { ...said, started: false, retrySafe: true, startedAt: null, output: noOutput };
    expect(of({ startedAt: null }, false)).toMatchObject(untouched);
    const unseen = { complete: false, incompleteBecause: 'it was gone before its log could be read' };
    expect(of({ startedAt: null }, null)).toMatchObject({ ...untouched, retrySafe: false, output: unseen });
  });
});
