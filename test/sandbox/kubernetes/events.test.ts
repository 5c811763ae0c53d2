import { expect, test } from 'vitest';
import { waitingFromEvents } from '../../../src/sandbox/kubernetes/events.ts';
import { eventSchema } from '../../../src/sandbox/kubernetes/objects.ts';

const event = (reason: string, message: string, lastTimestamp: string | null = '2026-01-01T00:00:00Z') =>
  eventSchema.parse({ type: 'Warning', reason, message, lastTimestamp });

test.each([
  ['17', 'FailedMount', 'MountVolume.SetUp failed for volume "execution" : configmap "x" not found', 'Mount', true],
  ['18', 'FailedCreatePodSandBox', 'rpc error: failed to setup network for sandbox', 'Sandbox', true],
  ['18', 'FailedCreatePodSandBox', 'no runtime for "gvisor" is configured', 'Sandbox', false],
  ['21', 'FailedCreate', 'Error creating: pods "a" is forbidden: exceeded quota: q', 'Quota', true],
  ['21', 'FailedCreate', 'Error creating: pods "a" is forbidden: status unknown for quota: q', 'Quota', true],
  [
    '21',
    'FailedCreate',
    'Error creating: pods "a" is forbidden: violates PodSecurity "restricted:latest"',
    'PodCreation',
    false,
  ],
  [
    '21',
    'FailedCreate',
    'Error creating: pods "a" is forbidden: pod rejected: RuntimeClass "gvisor" not found',
    'PodCreation',
    false,
  ],
  ['21', 'FailedCreate', 'Error creating: admission webhook "x" denied the request', 'PodCreation', false],
  [
    '21',
    'FailedCreate',
    'Error creating: pods "a" is forbidden: error looking up service account n/default: serviceaccount "default" not found',
    'PodCreation',
    true,
  ],
  ['21', 'FailedCreate', 'Error creating: Internal error occurred: failed calling webhook "x"', 'PodCreation', true],
])('%s %s %s', (_row, reason, message, expected, curable) => {
  expect(waitingFromEvents([event(reason, message)])).toEqual({ reason: expected, message, curable });
});

test('the newest event that says something decides', () => {
  const older = event('FailedCreate', 'exceeded quota', '2026-01-01T00:00:01Z');
  const newer = event('FailedMount', 'late', '2026-01-01T00:00:02Z');
  const newest = event('BackOff', 'irrelevant', '2026-01-01T00:00:03Z');
  expect(waitingFromEvents([newest, older, newer])?.message).toBe('late');
  expect(waitingFromEvents([event('FailedMount', 'undated', null), older])?.message).toBe('exceeded quota');
});

test('events that explain nothing leave it at that', () => {
  expect(waitingFromEvents([event('BackOff', 'x')])).toBeUndefined();
  expect(waitingFromEvents([])).toBeUndefined();
});
