import { expect, test } from 'vitest';
import { jobDeadlines } from '../../src/execution/job-deadlines.ts';
import { clocks } from '../../src/execution/limits.ts';

test('each clock is later than the one inside it, whatever the execution had to wait for', () => {
  const { pod, job } = jobDeadlines({ timeoutSeconds: 7, startTimeoutSeconds: 11 });
  const watcher = 7 + clocks.overdueSeconds;
  expect({ pod, job }).toEqual({ pod: 11 + watcher + clocks.podSeconds, job: 11 + pod + clocks.jobSeconds });
});
