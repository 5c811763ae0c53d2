import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrames, frameDecoder, type StreamName } from '../../src/supervisor/frames.ts';

const caps = { maxStdoutBytes: 1000, maxStderrBytes: 1000, maxOutputFileBytes: 0 };
const latin1 = (text: string) => Buffer.from(text, 'latin1');

function frame(stream: StreamName, bytes: Uint8Array): Buffer {
  const escaped = Buffer.from(bytes)
    .toString('latin1')
    .replaceAll('\x10', '\x10\x10')
    .replaceAll('\n', '\x10n')
    .replaceAll('\r', '\x10r');
  return latin1(`\x01${stream === 'stdout' ? 'o' : 'e'}${escaped}\n`);
}

const final = (stdout: readonly [number, number], stderr: readonly [number, number] = [0, 0]) =>
  latin1(
    `\x01f{"exit":{"code":0},"timedOut":false,"durationMs":12,` +
      `"stdout":{"totalBytes":${stdout[0]},"keptBytes":${stdout[1]}},` +
      `"stderr":{"totalBytes":${stderr[0]},"keptBytes":${stderr[1]}},"fileBytes":0,"omittedFiles":0}\n`,
  );

function decode(log: Uint8Array | string, ownCaps = caps) {
  const output = decodeFrames([typeof log === 'string' ? latin1(log) : log], ownCaps);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  return { ...output, out: text(output.stdout.bytes), err: text(output.stderr.bytes) };
}

describe('the decoder', () => {
  it('takes the streams and the final frame out of a log', () => {
    const log = Buffer.concat([
      frame('stdout', latin1('a\r\n\x10')),
      frame('stderr', latin1('b')),
      final([4, 4], [1, 1]),
    ]);
    expect(decode(log)).toMatchObject({
      out: 'a\r\n\x10',
      err: 'b',
      complete: true,
      advisory: { exit: { code: 0 }, timedOut: false, durationMs: 12 },
    });
  });

  it.each([
    ['text that is no frame', 'hello\n', 'hello\n'],
    ['text without a line feed', 'hello', 'hello'],
    ['a frame of no known kind', '\x01xabc\n', '\x01xabc\n'],
    ['a bare frame mark', '\x01\n', '\x01\n'],
    ['an escape that means nothing', '\x01oa\x10zb\n', '\x01oa\x10zb\n'],
    ['an escape at the end of a line', '\x01oa\x10\n', '\x01oa\x10\n'],
    ['a final frame that is no JSON', '\x01f{\n', '\x01f{\n'],
    ['a final frame of the wrong shape', '\x01f{"exit":{"code":0}}\n', '\x01f{"exit":{"code":0}}\n'],
    ['a final frame with an absurd number', String(final([2 ** 60, 0])), String(final([2 ** 60, 0]))],
    ['a line too long for a frame', `\x01o${'x'.repeat(20_000)}\n`, `\x01o${'x'.repeat(998)}`],
    ['a frame that starts in the middle of a line', 'x\x01oabc\n', 'x\x01oabc\n'],
  ])('keeps %s as standard output', (_, log, out) => {
    expect(decode(log)).toMatchObject({ out, err: '', complete: false });
  });

  it.each([
    ['a frame', '\x01oab', 'ab'],
    ['an escape', '\x01oab\x10', 'ab'],
    ['the final frame', '\x01oab\n\x01f{"exit":', 'ab'],
    ['a frame mark', '\x01oab\n\x01', 'ab'],
  ])('keeps what came before a log is cut in %s', (_, log, out) => {
    expect(decode(log)).toMatchObject({ out, err: '', complete: false });
  });

  it('says that output is missing when frames are lost', () => {
    const log = Buffer.concat([frame('stdout', latin1('tail')), final([20, 20])]);
    expect(decode(log)).toMatchObject({ out: 'tail', complete: false, stdout: { totalBytes: 20, truncated: true } });
  });

  it('counts what the supervisor dropped, and what was written around it on top', () => {
    const log = Buffer.concat([frame('stdout', latin1('abc')), latin1('junk\n'), final([50, 3], [9, 0])]);
    expect(decode(log)).toMatchObject({
      out: 'abcjunk\n',
      complete: true,
      stdout: { totalBytes: 55, truncated: true },
      stderr: { totalBytes: 9, truncated: true },
    });
  });

  it('keeps the first bytes of each stream up to its cap and counts on', () => {
    const log = Buffer.concat(
      [...Array(3)].flatMap(() => [frame('stdout', latin1('abcd')), frame('stderr', latin1('xy'))]),
    );
    expect(decode(log, { maxStdoutBytes: 6, maxStderrBytes: 0, maxOutputFileBytes: 0 })).toMatchObject({
      out: 'abcdab',
      err: '',
      stdout: { totalBytes: 12, truncated: true },
      stderr: { totalBytes: 6, truncated: true },
    });
  });

  it('reports what each chunk adds, within the caps, as soon as it is known', () => {
    const decoder = frameDecoder({ maxStdoutBytes: 5, maxStderrBytes: 5, maxOutputFileBytes: 0 });
    const said = (chunk: string) =>
      decoder.push(latin1(chunk)).map(({ stream, bytes }) => [stream, String(Buffer.from(bytes))]);
    expect(said('\x01oab')).toEqual([]);
    expect(said('c\n\x01eoops\nraw')).toEqual([
      ['stdout', 'abc'],
      ['stderr', 'oops'],
      ['stdout', 'ra'],
    ]);
    expect(said('more\n')).toEqual([]);
  });

  it('does not take the rest of a line for a frame, nor wait for the end of a line that is too long for one', () => {
    const decoder = frameDecoder({ maxStdoutBytes: 1e6, maxStderrBytes: 0, maxOutputFileBytes: 0 });
    decoder.push(latin1('x'));
    decoder.push(latin1('\x01oabc\n'));
    const long = decoder.push(latin1(`\x01o${'y'.repeat(16_382)}`));
    expect(long.map(({ bytes }) => bytes.length)).toEqual([16_384]);
    const out = Buffer.from(decoder.end().stdout.bytes).toString('latin1');
    expect(out).toBe(`x\x01oabc\n\x01o${'y'.repeat(16_382)}`);
  });
});

const anyFrame = fc.oneof(
  fc
    .tuple(fc.constantFrom<StreamName[]>('stdout', 'stderr'), fc.uint8Array({ maxLength: 40 }))
    .map(([s, b]) => frame(s, b)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('\n', '\r\n', '\x10', '\x01', '\x01o', '\x01f{}\n', 'text\n').map(latin1),
  fc.constant(final([3, 3])),
  fc.integer({ min: 16_370, max: 16_390 }).map((length) => Buffer.concat([latin1('\x01o'), Buffer.alloc(length, 'x')])),
);
const anyLog = fc.array(anyFrame, { maxLength: 20 }).map((parts) => Buffer.concat(parts));
const anyCaps = fc.record({
  maxStdoutBytes: fc.nat(60_000),
  maxStderrBytes: fc.nat(100),
  maxOutputFileBytes: fc.constant(0),
});

describe('on any log the decoder', () => {
  it('returns the bytes of frames exactly', () => {
    const printed = fc.array(
      fc.tuple(fc.constantFrom<StreamName[]>('stdout', 'stderr'), fc.uint8Array({ maxLength: 200 })),
    );
    fc.assert(
      fc.property(printed, (writes) => {
        const of = (stream: StreamName) =>
          Buffer.concat(writes.filter(([name]) => name === stream).map(([, bytes]) => bytes));
        const [out, err] = [of('stdout'), of('stderr')];
        const frames = writes.map(([stream, bytes]) => frame(stream, bytes));
        const log = Buffer.concat([...frames, final([out.length, out.length], [err.length, err.length])]);
        const output = decodeFrames([log], { maxStdoutBytes: 1e6, maxStderrBytes: 1e6, maxOutputFileBytes: 0 });
        expect(out.equals(output.stdout.bytes) && err.equals(output.stderr.bytes) && output.complete).toBe(true);
      }),
    );
  });

  it('does not care where chunks are cut', () => {
    fc.assert(
      fc.property(anyLog, anyCaps, fc.array(fc.nat(700), { maxLength: 60 }), (log, someCaps, sizes) => {
        const decoder = frameDecoder(someCaps);
        const events = [];
        let rest: Uint8Array = log;
        for (const size of [...sizes, log.length]) {
          events.push(...decoder.push(rest.subarray(0, size)));
          rest = rest.subarray(size);
        }
        const output = decoder.end();
        expect(output).toEqual(decodeFrames([log], someCaps));
        const live = Buffer.concat(events.filter(({ stream }) => stream === 'stdout').map(({ bytes }) => bytes));
        expect(live.equals(output.stdout.bytes.subarray(0, live.length))).toBe(true);
      }),
    );
  });

  it('never throws and never exceeds the caps', () => {
    fc.assert(
      fc.property(fc.oneof(anyLog, fc.uint8Array({ maxLength: 3000 })), anyCaps, (log, someCaps) => {
        const { stdout, stderr, complete, advisory } = decodeFrames([log], someCaps);
        expect(stdout.bytes.length).toBeLessThanOrEqual(someCaps.maxStdoutBytes);
        expect(stderr.bytes.length).toBeLessThanOrEqual(someCaps.maxStderrBytes);
        for (const stream of [stdout, stderr]) expect(stream.truncated).toBe(stream.totalBytes > stream.bytes.length);
        if (complete) expect(advisory).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  it('survives a frame with any byte changed, added or lost', () => {
    const log = Buffer.concat([
      frame('stdout', latin1('a\nb\x10c')),
      frame('stderr', latin1('e')),
      final([5, 5], [1, 1]),
    ]);
    fc.assert(
      fc.property(fc.nat(log.length - 1), fc.nat(255), fc.constantFrom(0, 1, 2), (at, byte, removed) => {
        const mutated = Buffer.concat([log.subarray(0, at), Buffer.of(byte), log.subarray(at + removed)]);
        const { stdout, stderr } = decodeFrames([mutated], caps);
        expect(stdout.bytes.length + stderr.bytes.length).toBeLessThanOrEqual(mutated.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('costs little, however many forged frames it meets', () => {
    const log = Buffer.from('\x01f\n'.repeat(1_000_000));
    const lines = Buffer.from('xyz\n'.repeat(750_000));
    const time = (bytes: Buffer) => {
      const began = performance.now();
      decode(bytes);
      return performance.now() - began;
    };
    time(lines);
    expect(time(log)).toBeLessThan(2_000 + time(lines) * 20);
  });
});
