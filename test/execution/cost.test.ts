import { expect, test } from 'vitest';
import { usageOf } from '../../src/execution/cost.ts';

const reserved = { cpuRequestMillicores: 500, memoryRequestMiB: 2048 };

test('an hour of half a processor and two GiB costs what the list says', () => {
  const usage = usageOf(reserved, 0, 3_600_000);
  expect(usage).toMatchObject({ seconds: 3600, vcpuSeconds: 1800, memoryGibSeconds: 7200 });
  expect(usage?.estimatedUsd).toBeCloseTo(0.5 * 0.0445 + 2 * 0.0049225, 10);
});

test('clocks that run backwards cost nothing, and what is not known is not guessed', () => {
  expect(usageOf(reserved, 5_000, 4_000)).toMatchObject({ seconds: 0, estimatedUsd: 0 });
  expect([usageOf(reserved, null, 4_000), usageOf(reserved, 4_000, null)]).toEqual([null, null]);
});
