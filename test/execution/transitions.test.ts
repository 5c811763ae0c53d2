import { describe, expect, test } from 'vitest';
import { finalStates, isFinal, type OpenExecution, openStates, type State } from '../../src/execution/execution.ts';
import { type ExecutionEvent, transition } from '../../src/execution/transitions.ts';
import {
  accepted,
  ended,
  epoch,
  final,
  foreignUid,
  inEveryState,
  jobUid,
  launching,
  output,
  running,
  stopping,
} from './samples.ts';

const now = 9_000;
const waiting = { reason: 'Image', message: 'pulling', curable: true } as const;

/** What a cell says: the state afterwards, or that the very same object comes back. */
type Cell = State | 'same';

interface Row {
  readonly event: ExecutionEvent;
  readonly after: Readonly<Record<OpenExecution['state'], Cell>>;
}

const same = 'same' as const;
const nowhere = { ACCEPTED: same, LAUNCHING: same, RUNNING: same, STOPPING: same } as const;

const rows: Readonly<Record<string, Row>> = {
  waiting: { event: { type: 'waiting', jobUid: null, waiting }, after: { ...nowhere, ACCEPTED: 'ACCEPTED' } },
  'its Job waits': { event: { type: 'waiting', jobUid, waiting }, after: { ...nowhere, LAUNCHING: 'LAUNCHING' } },
  'a foreign Job waits': { event: { type: 'waiting', jobUid: foreignUid, waiting }, after: nowhere },
  launched: { event: { type: 'launched', jobUid }, after: { ...nowhere, ACCEPTED: 'LAUNCHING' } },
  'launched by a foreign Job': {
    event: { type: 'launched', jobUid: foreignUid },
    after: { ...nowhere, ACCEPTED: 'LAUNCHING' },
  },
  started: {
    event: { type: 'started', jobUid, startedAt: 3_500, epoch: null },
    after: { ...nowhere, LAUNCHING: 'RUNNING' },
  },
  'started in the right epoch': {
    event: { type: 'started', jobUid, startedAt: 3_500, epoch },
    after: { ...nowhere, LAUNCHING: 'RUNNING' },
  },
  'started in the wrong epoch': {
    event: { type: 'started', jobUid, startedAt: 3_500, epoch: epoch - 1 },
    after: nowhere,
  },
  'a foreign Job started': {
    event: { type: 'started', jobUid: foreignUid, startedAt: 3_500, epoch: null },
    after: nowhere,
  },
  ended: {
    event: ended(jobUid),
    after: { ACCEPTED: same, LAUNCHING: 'FAILED', RUNNING: 'FAILED', STOPPING: 'FAILED' },
  },
  'a foreign Job ended': { event: ended(foreignUid), after: nowhere },
  cancelRequested: {
    event: { type: 'cancelRequested' },
    after: { ACCEPTED: 'CANCELLED', LAUNCHING: 'STOPPING', RUNNING: 'STOPPING', STOPPING: same },
  },
  startExpired: {
    event: { type: 'startExpired', message: 'late' },
    after: { ACCEPTED: 'START_TIMEOUT', LAUNCHING: 'STOPPING', RUNNING: same, STOPPING: same },
  },
  overdue: { event: { type: 'overdue' }, after: { ...nowhere, RUNNING: 'STOPPING' } },
  lost: {
    event: { type: 'lost', jobUid, message: 'gone' },
    after: { ...nowhere, LAUNCHING: 'STOPPING', RUNNING: 'STOPPING' },
  },
  'a foreign Job was lost': { event: { type: 'lost', jobUid: foreignUid, message: 'gone' }, after: nowhere },
  collected: { event: { type: 'collected', jobUid, output }, after: { ...nowhere, STOPPING: 'STOPPING' } },
  'collected from a foreign Job': { event: { type: 'collected', jobUid: foreignUid, output }, after: nowhere },
  removed: { event: { type: 'removed', jobUid, started: true }, after: { ...nowhere, STOPPING: 'CANCELLED' } },
  'a foreign Job was removed': { event: { type: 'removed', jobUid: foreignUid, started: true }, after: nowhere },
  unfenced: { event: { type: 'unfenced', jobUid, message: 'there' }, after: { ...nowhere, STOPPING: 'LOST' } },
  'a foreign Job did not go': { event: { type: 'unfenced', jobUid: foreignUid, message: 'there' }, after: nowhere },
  rejected: { event: { type: 'rejected', message: 'policy' }, after: { ...nowhere, ACCEPTED: 'REJECTED' } },
  takenOver: {
    event: { type: 'takenOver', process: 'p2', fromEpoch: epoch },
    after: { ACCEPTED: 'ACCEPTED', LAUNCHING: 'LAUNCHING', RUNNING: 'RUNNING', STOPPING: 'STOPPING' },
  },
  'taken over from the wrong epoch': {
    event: { type: 'takenOver', process: 'p2', fromEpoch: epoch - 1 },
    after: nowhere,
  },
};

describe('every state × every event', () => {
  const open: readonly OpenExecution[] = [accepted, launching, running, stopping];
  const cells = Object.entries(rows).flatMap(([name, { event, after }]) =>
    open.map((execution) => ({ name, event, execution, from: execution.state, expected: after[execution.state] })),
  );

  test.each(cells)('$from, $name: $expected', ({ execution, event, expected }) => {
    const after = transition(execution, event, now);
    if (expected === 'same') expect(after).toBe(execution);
    else {
      expect(after).not.toBe(execution);
      expect(after.state).toBe(expected);
    }
  });

  test('a final state returns itself, whatever happens', () => {
    for (const state of finalStates) {
      const execution = final(state);
      for (const { event } of Object.values(rows)) expect(transition(execution, event, now)).toBe(execution);
    }
  });

  test('the table leaves out no state and no kind of event', () => {
    expect(open.map(({ state }) => state)).toEqual([...openStates]);
    expect(inEveryState.filter(isFinal).map(({ state }) => state)).toEqual([...finalStates]);
    const kinds = {
      waiting: 0,
      launched: 0,
      started: 0,
      ended: 0,
      cancelRequested: 0,
      startExpired: 0,
      overdue: 0,
      lost: 0,
      collected: 0,
      removed: 0,
      unfenced: 0,
      rejected: 0,
      takenOver: 0,
    } as const satisfies Record<ExecutionEvent['type'], 0>;
    expect(new Set(Object.values(rows).map(({ event }) => event.type))).toEqual(new Set(Object.keys(kinds)));
  });
});
