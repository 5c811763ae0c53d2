import { describe, expect, test } from 'vitest';
import { appendRaw, capture, close, emptyLog, readLog } from '../../../src/sandbox/memory/log.ts';
import { text } from '../../contracts/sandbox/lab.ts';

/** What one full frame takes up in the file. */
const frame = 8192 + 64;
const caps = { stdout: 100_000, stderr: 100_000 };
const letters = (count: number, letter = 'x') => new TextEncoder().encode(letter.repeat(count));

describe('the log', () => {
  test('keeps what fits the file to the byte and rotates everything away with one byte more', () => {
    for (const [maxFileBytes, kept] of [
      [2 * frame, 2 * 8192],
      [2 * frame - 1, 0],
    ] as const) {
      const log = emptyLog(maxFileBytes, caps);
      capture(log, 'stdout', letters(2 * 8192));
      const { stdout, complete } = readLog(log);
      expect([stdout.bytes.length, stdout.totalBytes, complete]).toEqual([kept, 2 * 8192, false]);
    }
  });

  test('fills up with what is written past the supervisor, by frames', () => {
    const fits = emptyLog(2 * frame, caps);
    capture(fits, 'stdout', letters(8192));
    appendRaw(fits, 8192);
    expect(readLog(fits).stdout.bytes.length).toBe(8192);
    appendRaw(fits, 1);
    expect(readLog(fits).stdout).toEqual({ bytes: new Uint8Array(0), totalBytes: 0 });
  });

  test('puts both streams together from writes of any size, up to their caps', () => {
    const log = emptyLog(1_000_000, { stdout: 10_001, stderr: 3 });
    for (const [count, letter] of [
      [1, 'a'],
      [0, 'b'],
      [9_999, 'c'],
      [2, 'd'],
      [5, 'e'],
    ] as const) {
      capture(log, 'stdout', letters(count, letter));
      capture(log, 'stderr', letters(count, letter));
    }
    close(log, { signal: 9, durationMs: 1234, files: new Uint8Array(), omittedFiles: 0 });
    const { stdout, stderr, complete, report } = readLog(log);
    expect(text(stdout.bytes)).toBe(`a${'c'.repeat(9_999)}d`);
    expect(text(stderr.bytes)).toBe('acc');
    expect([stdout.totalBytes, stderr.totalBytes]).toEqual([10_007, 10_007]);
    expect({ complete, report }).toEqual({ complete: true, report: { signal: 9, durationMs: 1234 } });
  });

  test('without a last word counts only what it can see', () => {
    const log = emptyLog(1_000_000, { stdout: 2, stderr: 0 });
    capture(log, 'stdout', letters(5));
    expect(readLog(log)).toMatchObject({ stdout: { totalBytes: 2 }, complete: false, report: null });
  });
});
