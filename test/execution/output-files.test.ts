import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { unpackFiles } from '../../src/execution/files.ts';
import { globProblem, handedOut, isNamed, maxPackedBytes, outputPattern } from '../../src/execution/output-files.ts';

describe('a pattern', () => {
  const rows: readonly { globs: readonly string[]; yes: readonly string[]; no: readonly string[] }[] = [
    { globs: ['a.txt'], yes: ['a.txt'], no: ['a_txt', 'b/a.txt', 'a.txt2', 'a.txt\n'] },
    { globs: ['*.png'], yes: ['a.png', '.png', 'ü.png'], no: ['d/a.png', 'a.pn', 'a.pngx'] },
    { globs: ['a?c'], yes: ['abc', 'a\u{1f4a9}c'], no: ['ac', 'a/c', 'abbc'] },
    { globs: ['**'], yes: ['a', 'a/b/c', '.a/b', 'a\nb', '\r/\u2028'], no: [] },
    { globs: ['out/**'], yes: ['out/a', 'out/b/c'], no: ['out', 'outer/a', 'x/out/a'] },
    { globs: ['**/a.txt'], yes: ['a.txt', 'b/a.txt', 'b/c/a.txt', 'b\n/a.txt'], no: ['ba.txt', 'b/a.txt/c'] },
    { globs: ['a/**/b'], yes: ['a/b', 'a/x/b', 'a/x/y/b'], no: ['ab', 'a/xb', 'a/b/c'] },
    { globs: ['a', 'b/*'], yes: ['a', 'b/c'], no: ['b', 'c', 'ab/c'] },
    { globs: ['(a|b)[c]{2}^$+.\\d'], yes: ['(a|b)[c]{2}^$+.\\d'], no: ['a', 'ac'] },
    { globs: ['a-b c'], yes: ['a-b c'], no: ['abc'] },
  ];
  test.each(rows)('$globs names what it says', ({ globs, yes, no }) => {
    const pattern = new RegExp(outputPattern({ outputFiles: globs }), 'u');
    expect([...yes, ...no].filter((path) => pattern.test(path))).toEqual(yes);
    const match =
      'import json, re, sys; p, n = json.load(sys.stdin); print(json.dumps([x for x in n if re.match(p, x)]))';
    const python = spawnSync('python3', ['-c', match], { input: JSON.stringify([pattern.source, [...yes, ...no]]) });
    expect(JSON.parse(python.stdout.toString())).toEqual(yes);
  });

  test.each([
    ['a**', 'must have ** only as a whole name'],
    ['**/**/**', 'must have ** at most 2 times'],
    ['/a', 'must be relative'],
    ['../*', 'must not have empty, . or .. in it'],
    ['', 'must not have empty, . or .. in it'],
  ])('may not be %j', (glob, problem) => {
    expect(globProblem(glob)).toBe(problem);
  });

  test.each(['*', '**', '**/a/**', 'a/*.{png}'])('may be %s', (glob) => {
    expect(globProblem(glob)).toBeUndefined();
  });
});

describe('the files that are handed out', () => {
  const file = (path: string, size: number) => ({ path, bytes: new Uint8Array(size) });
  const wanted = { outputFiles: ['**'], maxOutputFileBytes: 10 };
  const pathsOf = ({ files }: { files: Uint8Array }) => unpackFiles(files).map(({ path }) => path);

  test('are those that are named, in order of their paths', () => {
    const out = handedOut([file('b', 1), file('c.txt', 1), file('a', 1)], { ...wanted, outputFiles: ['?'] });
    expect([pathsOf(out), out.omittedFiles]).toEqual([['a', 'b'], 0]);
  });

  test('are whole or not at all, as far as there is room, and the others are counted', () => {
    const out = handedOut([file('a', 6), file('b', 5), file('c', 4), file('d', 1)], wanted);
    expect([pathsOf(out), out.omittedFiles]).toEqual([['a', 'c'], 2]);
  });

  test('are at most 256', () => {
    const many = Array.from({ length: 300 }, (_, index) => file(`f${index}`, 0));
    const out = handedOut(many, wanted);
    expect([pathsOf(out).length, out.omittedFiles]).toEqual([256, 44]);
  });

  test('have names that can be said', () => {
    const out = handedOut([file('a\u007fb', 0), file('a\nb', 0), file('\ufffd', 0), file('a', 0)], wanted);
    expect([pathsOf(out), out.omittedFiles]).toEqual([['a', '\ufffd'], 2]);
  });

  test('are told from the results, which nobody may have named', () => {
    const named = [[], ['a'], ['.results.jsonl'], ['a', '*']].map((globs) => isNamed('.results.jsonl', globs));
    expect(named).toEqual([false, false, true, true]);
  });

  test('are only the results when nothing is named', () => {
    const out = handedOut([file('a', 1), file('.results.jsonl', 1), file('b/.results.jsonl', 1)], {
      ...wanted,
      outputFiles: [],
    });
    expect([pathsOf(out), out.omittedFiles]).toEqual([['.results.jsonl'], 0]);
    expect([maxPackedBytes({ maxOutputFileBytes: 0 }), maxPackedBytes(wanted)]).toEqual([0, 281_610]);
  });
});
