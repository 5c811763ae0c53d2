import { expect, test } from 'vitest';
import { LostSightError, messageOf } from '../../src/cli/errors.ts';
import { InvalidRequestError, UnavailableError } from '../../src/errors.ts';

test.each([
  ['C0', 'a\u001b[2J\u0000\r\nb\t', String.raw`a\u001b[2J\u0000 b`],
  ['C1 and DEL', '\u009b2J\u007f', String.raw`\u009b2J\u007f`],
  ['bidi', '\u202eevil\u2066\u200f\u061c', String.raw`\u202eevil\u2066\u200f\u061c`],
  ['line separators', 'a\u2028b\u2029c', String.raw`a\u2028b\u2029c`],
  ['none', 'größer 試 🎉', 'größer 試 🎉'],
])('control characters of others reach no terminal: %s', (_, said, shown) => {
  expect(messageOf(new UnavailableError(said))).toBe(shown);
  expect(messageOf(new InvalidRequestError([{ pointer: '/code', message: said }]))).toBe(`the code ${shown}`);
});

test('several problems are a line each', () => {
  const problems = ['/code', '/image'].map((pointer) => ({ pointer, message: 'is wrong' }));
  expect(messageOf(new InvalidRequestError(problems))).toBe('the code is wrong\n--image is wrong');
});

test('an error after acceptance is two lines', () => {
  expect(messageOf(new LostSightError('id', new Error('one\u001b')))).toBe(
    'one\\u001b\ngke-code-executor: execution id was accepted; look for it with: gke-code-executor get id',
  );
});

test('of a long message the beginning is shown', () => {
  expect(messageOf(new Error('x'.repeat(100_000)))).toBe(`${'x'.repeat(2000)}…`);
  const problems = Array.from({ length: 1000 }, () => ({ pointer: '/code', message: 'is wrong' }));
  expect(messageOf(new InvalidRequestError(problems)).split('\n')).toHaveLength(21);
});

test.each([
  ['/args', 'must have at most 256 entries', 'the arguments must have at most 256 entries'],
  ['/args/1', 'must not contain NUL', 'argument 2: must not contain NUL'],
  ['/env', 'must not contain __proto__', '--env must not contain __proto__'],
  ['/labels', 'must have at most 16 entries', '--label must have at most 16 entries'],
  ['/labels/a', 'must be', '--label a: must be'],
  ['/files/3/path', 'is taken: a', '--file is taken: a'],
  ['/outputFiles/0', 'must be relative', '--output must be relative'],
])('the problem at %s names what the user gave', (pointer, message, shown) => {
  expect(messageOf(new InvalidRequestError([{ pointer, message }]))).toBe(shown);
});
