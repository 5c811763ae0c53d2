import fc from 'fast-check';
import { expect, test } from 'vitest';
import { classify, type EndingContext } from '../../src/execution/classify.ts';
import { exited } from './endings.ts';
import { anyEnding } from './samples-random.ts';

const context: fc.Arbitrary<EndingContext> = fc.record({
  timeoutSeconds: fc.integer({ min: 1, max: 100 }),
  started: fc.boolean(),
  report: fc.option(fc.record({ signal: fc.option(fc.constantFrom(9, 11, 15)) })),
});
const runs = { numRuns: 5000 };

test('every ending has a verdict; success is proved, and a known start is never forgotten', () => {
  fc.assert(
    fc.property(anyEnding, context, (ending, known) => {
      const verdict = classify(ending, known);
      const { container, podReason, disruption, jobReason } = ending;
      if (verdict.state === 'SUCCEEDED') {
        expect([podReason, disruption]).toEqual(['', '']);
        expect(container === null ? jobReason === 'Complete' : container.exitCode === 0).toBe(true);
      }
      if (known.started || (container !== null && container.startedAt !== null)) expect(verdict.started).toBe(true);
      if (verdict.started) expect(verdict.retrySafe).toBe(false);
      if (container === null && podReason === '' && disruption === '') expect(verdict.retrySafe).toBe(false);
    }),
    runs,
  );
});

test('no exit code alone makes a limit: what a program can choose never looks like memory or disk', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 255 }), context, (exitCode, known) => {
      const { state } = classify(exited(exitCode, { finishedAt: 10_500 }), known);
      expect(['FAILED', 'KILLED']).toContain(state);
    }),
    runs,
  );
});
