import { describe, expect, test } from 'vitest';
import { executionSchema, finalStates, isFinal, openStates, states } from '../../src/execution/execution.ts';
import { accepted, common, final, inEveryState, launching, running, stopping } from './samples.ts';

const document = (of: object): Record<string, unknown> => JSON.parse(JSON.stringify(of));

function without(of: object, field: string): Record<string, unknown> {
  const { [field]: _, ...rest } = document(of);
  return rest;
}

describe('the document of an execution', () => {
  test.each(inEveryState.map((execution) => ({ state: execution.state, execution })))(
    'parses to itself in $state',
    ({ execution }) => {
      expect(executionSchema.parse(document(execution))).toEqual(execution);
    },
  );

  const required = [
    ...Object.keys(common).map((field) => ({ of: accepted, field })),
    { of: accepted, field: 'waiting' },
    ...['jobUid', 'launchedAt', 'waiting'].map((field) => ({ of: launching, field })),
    ...['jobUid', 'launchedAt', 'startedAt'].map((field) => ({ of: running, field })),
    ...['jobUid', 'launchedAt', 'startedAt', 'why', 'message', 'stoppingSince', 'output'].map((field) => ({
      of: stopping,
      field,
    })),
    ...Object.keys(final('LOST')).map((field) => ({ of: final('LOST'), field })),
  ].map(({ of, field }) => ({ state: of.state, of, field }));

  test.each(required)('does not parse in $state without $field', ({ of, field }) => {
    expect(executionSchema.safeParse(without(of, field)).success).toBe(false);
  });

  const wrong: readonly { what: string; document: unknown }[] = [
    { what: 'an unknown state', document: { ...accepted, state: 'PAUSED' } },
    { what: 'no state', document: without(accepted, 'state') },
    { what: 'RUNNING that never started', document: { ...running, startedAt: null } },
    { what: 'LAUNCHING without a Job', document: { ...launching, jobUid: null } },
    { what: 'an open execution called final', document: { ...running, state: 'SUCCEEDED' } },
    { what: 'STOPPING for an unknown reason', document: { ...stopping, why: 'bored' } },
    { what: 'a time before 1970', document: { ...accepted, acceptedAt: -1 } },
    { what: 'half a millisecond', document: { ...running, startedAt: 1.5 } },
    { what: 'a Date', document: { ...running, startedAt: new Date(0) } },
    { what: 'an ending at no time', document: { ...final('FAILED'), endedAt: null } },
    { what: 'an unknown fault', document: { ...final('FAILED'), fault: 'nature' } },
    { what: 'an exit code as text', document: { ...final('FAILED'), exitCode: '3' } },
    { what: 'a broken pod ending', document: { ...final('FAILED'), podEnding: { podReason: '' } } },
    { what: 'an unknown language', document: { ...accepted, request: { ...common.request, language: 'cobol' } } },
    {
      what: 'an unknown reason to wait',
      document: { ...accepted, waiting: { reason: 'Mood', message: '', curable: true, since: 0 } },
    },
    { what: 'nothing', document: null },
  ];

  test.each(wrong)('does not parse with $what', ({ document: broken }) => {
    expect(executionSchema.safeParse(broken).success).toBe(false);
  });

  test.each(['Quota', 'Unschedulable', 'Image', 'Configuration', 'Mount', 'Sandbox', 'PodCreation', 'Starting'])(
    'may wait for %s',
    (reason) => {
      const waiting = { reason, message: '', curable: false, since: 0 };
      expect(executionSchema.parse({ ...document(launching), waiting })).toEqual({ ...launching, waiting });
    },
  );

  test('does not carry a field of another state', () => {
    expect(executionSchema.parse({ ...document(running), waiting: null, why: 'lost' })).toEqual(running);
    expect(executionSchema.parse({ ...document(accepted), jobUid: 'uid', startedAt: 1 })).toEqual(accepted);
  });
});

test('every state is open or final, never both', () => {
  expect(openStates).toEqual(['ACCEPTED', 'LAUNCHING', 'RUNNING', 'STOPPING']);
  expect([...finalStates].sort()).toEqual([
    'CANCELLED',
    'DISK_LIMIT',
    'FAILED',
    'INFRA_INTERRUPTED',
    'KILLED',
    'LOST',
    'MEMORY_LIMIT',
    'REJECTED',
    'START_TIMEOUT',
    'SUCCEEDED',
    'TIMED_OUT',
  ]);
  expect(states).toEqual([...openStates, ...finalStates]);
  expect(new Set(states).size).toBe(states.length);
  expect(inEveryState.map(isFinal)).toEqual([...openStates.map(() => false), ...finalStates.map(() => true)]);
});
