import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FileEntry, leftOut, packFiles, pathProblem, unpackFiles } from '../../src/execution/files.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const shown = (files: readonly FileEntry[]) => files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]);

describe('the path of a file', () => {
  test.each(['a', '.a', 'a/b.txt', 'ü/\u{1f4a9}', '-', 'a b', '...', '__proto__', 'n'.repeat(255), 'a\\b'])(
    'may be %s',
    (path) => {
      expect(pathProblem(path)).toBeUndefined();
    },
  );

  test.each([
    ['', 'must not have empty, . or .. in it'],
    ['a//b', 'must not have empty, . or .. in it'],
    ['a/', 'must not have empty, . or .. in it'],
    ['./a', 'must not have empty, . or .. in it'],
    ['a/../../b', 'must not have empty, . or .. in it'],
    ['/etc/passwd', 'must be relative'],
    ['a\0b', 'must not contain control characters or lone surrogates'],
    ['a\nb', 'must not contain control characters or lone surrogates'],
    ['a\u007f', 'must not contain control characters or lone surrogates'],
    ['\ud800', 'must not contain control characters or lone surrogates'],
    ['é'.repeat(128), 'must have names of at most 255 bytes'],
    [`${'abc/'.repeat(256)}d`, 'must have at most 1024 bytes'],
  ])('may not be %j', (path, problem) => {
    expect(pathProblem(path)).toBe(problem);
  });
});

describe('packed files', () => {
  const path = fc.constantFrom('a', 'b/c', 'b/d e', 'ü', '\ufffd', 'file 3');
  const files = fc.uniqueArray(fc.record({ path, bytes: fc.uint8Array({ maxLength: 40 }) }), {
    selector: (file) => file.path,
  });

  test('come out as they went in', () => {
    fc.assert(
      fc.property(files, (entries) => {
        const unpacked = unpackFiles(packFiles(entries)).map((entry) => ({ ...entry, bytes: [...entry.bytes] }));
        expect(unpacked).toEqual(entries.map((entry) => ({ ...entry, bytes: [...entry.bytes] })));
      }),
    );
  });

  test('that were cut give the files before the cut', () => {
    const packed = packFiles([
      { path: 'a', bytes: bytes('first') },
      { path: 'b', bytes: bytes('second') },
    ]);
    const whole = packFiles([{ path: 'a', bytes: bytes('first') }]).length;
    for (let length = 0; length < packed.length; length++) {
      const expected = length < whole ? [] : [['a', 'first']];
      expect([length, shown(unpackFiles(packed.subarray(0, length)))]).toEqual([length, expected]);
    }
  });

  test('leave out what has no right path, or one that was there before', () => {
    const packed = ['../up', '/etc/passwd', 'a', 'a', 'b/./c', '', 'x\ny'].map((name) => ({
      path: name,
      bytes: bytes(name),
    }));
    expect(shown(unpackFiles(packFiles(packed)))).toEqual([['a', 'a']]);
    expect(leftOut(packFiles(packed))).toBe(6);
  });

  test('leave out a path that is not UTF-8, or that does not end', () => {
    const entry = (body: Uint8Array) => Buffer.concat([Buffer.from(`file ${body.length}\n`), body, Buffer.from('\n')]);
    const packed = [Uint8Array.of(0xff, 0, 1), bytes('endless'), Uint8Array.of(0x62, 0, 2)].map(entry);
    expect(unpackFiles(Buffer.concat(packed))).toEqual([{ path: 'b', bytes: Buffer.from([2]) }]);
    expect(leftOut(Buffer.concat(packed))).toBe(2);
  });

  test('are read without harm whoever wrote them', () => {
    const pieces = fc.oneof(
      fc.uint8Array(),
      fc.constantFrom('file 3\n', 'file 999999999\n', 'a\0b\n', '\n').map(bytes),
    );
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        for (const file of unpackFiles(Buffer.concat(parts))) expect(pathProblem(file.path)).toBeUndefined();
      }),
    );
  });
});
