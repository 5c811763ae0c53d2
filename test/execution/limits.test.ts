import { describe, expect, test } from 'vitest';
import { clocks, limits, retention, sizes } from '../../src/execution/limits.ts';

describe('the table of limits', () => {
  test.each(Object.entries(limits))('%s has its default between its bounds, in whole units, and a reason', (_, row) => {
    expect(row.minimum).toBeLessThanOrEqual(row.default);
    expect(row.default).toBeLessThanOrEqual(row.maximum);
    for (const value of [row.minimum, row.default, row.maximum]) expect(Number.isSafeInteger(value)).toBe(true);
    expect(row.minimum).toBeGreaterThanOrEqual(0);
    expect(row.reason).toMatch(/\w/);
  });

  test("keeps ADK's defaults", () => {
    const defaults = Object.fromEntries(Object.entries(limits).map(([name, row]) => [name, row.default]));
    expect(defaults).toMatchObject({
      timeoutSeconds: 300,
      cpuRequestMillicores: 200,
      memoryRequestMiB: 256,
      cpuLimitMillicores: 500,
      memoryLimitMiB: 512,
    });
  });

  test('no limit of time is without bounds', () => {
    expect(limits.timeoutSeconds.minimum).toBeGreaterThan(0);
    expect(limits.startTimeoutSeconds.minimum).toBeGreaterThan(0);
  });

  test('a request never exceeds its limit by default, nor at the bounds', () => {
    for (const of of ['minimum', 'default', 'maximum'] as const) {
      expect(limits.cpuRequestMillicores[of]).toBeLessThanOrEqual(limits.cpuLimitMillicores[of]);
      expect(limits.memoryRequestMiB[of]).toBeLessThanOrEqual(limits.memoryLimitMiB[of]);
    }
  });

  test('both streams at their maximum fit the 9 MiB that leave the pod, in base64', () => {
    const kept = limits.maxStdoutBytes.maximum + limits.maxStderrBytes.maximum;
    expect((kept * 4) / 3).toBeLessThan(9 * 1024 * 1024);
  });

  test('the largest bundle fits its ConfigMap in base64, with room for the supervisor', () => {
    expect((sizes.bundleBytes * 4) / 3).toBeLessThan(870 * 1024);
  });

  test('a tombstone outlives every message: Pub/Sub keeps none for more than 31 days', () => {
    expect(retention.tombstoneDays).toBeGreaterThan(31);
  });

  test('every clock is longer than the one inside it', () => {
    expect(clocks.overdueSeconds).toBeGreaterThan(0);
    expect(clocks.podSeconds).toBeGreaterThan(clocks.overdueSeconds);
    expect(clocks.jobSeconds).toBeGreaterThan(0);
    expect(clocks.incurableSeconds).toBeLessThan(limits.startTimeoutSeconds.default);
  });
});
