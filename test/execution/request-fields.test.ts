import { describe, expect, test } from 'vitest';
import { least, problems } from './request-bodies.ts';

const record = (count: number, value: unknown = '') =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`K${index}`, value]));

describe('a request with a wrong field', () => {
  const rows: readonly { what: string; fields: object; expected: readonly string[] }[] = [
    { what: 'a field nobody knows', fields: { colour: 1 }, expected: ['/colour: is not a known field'] },
    { what: 'a field with / and ~', fields: { 'a/b~c': 1 }, expected: ['/a~1b~0c: is not a known field'] },
    { what: 'fields of Object', fields: { constructor: 1 }, expected: ['/constructor: is not a known field'] },
    {
      what: 'no language',
      fields: { language: undefined },
      expected: ['/language: must be one of python, javascript, typescript, shell'],
    },
    {
      what: 'another language',
      fields: { language: 'ruby' },
      expected: ['/language: must be one of python, javascript, typescript, shell'],
    },
    { what: 'files that are no list', fields: { files: {} }, expected: ['/files: must be a list of files'] },
    {
      what: 'files that are none',
      fields: { files: ['a', { path: 'a' }, { content: '' }, { path: 'b', content: '', contentBase64: '' }] },
      expected: [
        '/files/0: must be an object',
        '/files/1: must have either content or contentBase64',
        '/files/2/path: must be a string',
        '/files/3: must have either content or contentBase64',
      ],
    },
    {
      what: 'files of which one has an unknown field and one no text',
      fields: {
        files: [
          { path: 'a', content: '', mode: 7 },
          { path: 'b', content: 5 },
          { path: 'c', contentBase64: '!' },
        ],
      },
      expected: [
        '/files/0/mode: is not a known field',
        '/files/1/content: must be a string',
        '/files/2/contentBase64: must be base64 (RFC 4648 §4)',
      ],
    },
    {
      what: 'files in places that are taken',
      fields: { files: ['a', 'a', 'main.py', 'main.py/b', 'a/b', 'c/d', 'c'].map((path) => ({ path, content: '' })) },
      expected: [
        '/files/0/path: is taken: a',
        '/files/1/path: is taken: a',
        '/files/2/path: is taken: main.py',
        '/files/3/path: is taken: main.py/b',
        '/files/4/path: is taken: a/b',
        '/files/6/path: is taken: c',
      ],
    },
    {
      what: 'a file outside of the work directory',
      fields: { files: [{ path: '../a', content: '' }] },
      expected: ['/files/0/path: must not have empty, . or .. in it'],
    },
    {
      what: 'too many files',
      fields: { files: Array.from({ length: 257 }, (_, index) => ({ path: `f${index}`, content: '' })) },
      expected: ['/files: must have at most 256 entries'],
    },
    {
      what: 'patterns that are none',
      fields: { outputFiles: ['/a', 'a**', 5] },
      expected: [
        '/outputFiles/0: must be relative',
        '/outputFiles/1: must have ** only as a whole name',
        '/outputFiles/2: must be a string',
      ],
    },
    { what: 'no code', fields: { code: undefined }, expected: ['/code: must be a string'] },
    { what: 'code that is no text', fields: { code: 5 }, expected: ['/code: must be a string'] },
    { what: 'NUL in the code', fields: { code: 'a\0b' }, expected: ['/code: must not contain NUL'] },
    {
      what: 'half a character in the code',
      fields: { code: '"\ud83d"' },
      expected: ['/code: must not contain lone surrogates'],
    },
    {
      what: 'half a character in stdin',
      fields: { stdin: '\udca9' },
      expected: ['/stdin: must not contain lone surrogates'],
    },
    { what: 'stdin that is no text', fields: { stdin: [] }, expected: ['/stdin: must be a string'] },
    {
      what: 'stdin twice',
      fields: { stdin: '', stdinBase64: '' },
      expected: ['/stdinBase64: give either stdin or stdinBase64, not both'],
    },
    ...['YQ', '!', 'YQ==\n', 5].map((stdinBase64) => ({
      what: `stdin ${JSON.stringify(stdinBase64)}, which is not base64`,
      fields: { stdinBase64 },
      expected: ['/stdinBase64: must be base64 (RFC 4648 §4)'],
    })),
    { what: 'arguments that are no list', fields: { args: 'a b' }, expected: ['/args: must be a list of strings'] },
    {
      what: 'arguments that are no text',
      fields: { args: ['a', 1, 'b\0', null] },
      expected: ['/args/1: must be a string', '/args/2: must not contain NUL', '/args/3: must be a string'],
    },
    {
      what: 'too many arguments',
      fields: { args: Array.from({ length: 257 }, () => '') },
      expected: ['/args: must have at most 256 entries'],
    },
    { what: 'an environment that is none', fields: { env: ['A=1'] }, expected: ['/env: must be an object of strings'] },
    { what: 'no environment', fields: { env: null }, expected: ['/env: must be an object of strings'] },
    {
      what: 'names that no shell could set',
      fields: { env: { 'A-B': '', '1A': '', '': '' } },
      expected: ['A-B', '1A', ''].map(
        (name) => `/env/${name}: names must be letters, digits and _, not starting with a digit`,
      ),
    },
    {
      what: 'a name that is too long',
      fields: { env: { ['A'.repeat(257)]: '' } },
      expected: [`/env/${'A'.repeat(257)}: names must have at most 256 bytes`],
    },
    {
      what: 'values that no environment can hold',
      fields: { env: { A: 1, B: 'x\0' } },
      expected: ['/env/A: must be a string', '/env/B: must not contain NUL'],
    },
    { what: 'too many variables', fields: { env: record(129) }, expected: ['/env: must have at most 128 entries'] },
    {
      what: 'a prototype among the variables',
      fields: { env: JSON.parse('{"__proto__": "x"}') },
      expected: ['/env: must not contain __proto__'],
    },
    {
      what: 'labels that Kubernetes refuses',
      fields: { labels: { 'a/b': 'x', ['k'.repeat(64)]: '', ok: '-x', also: 'v'.repeat(64), n: 1 } },
      expected: [
        '/labels/a~1b: names must be at most 63 letters, digits, -, _ and ., beginning and ending with a letter or digit',
        `/labels/${'k'.repeat(64)}: names must be at most 63 letters, digits, -, _ and ., beginning and ending with a letter or digit`,
        '/labels/ok: must be at most 63 letters, digits, -, _ and ., beginning and ending with a letter or digit',
        '/labels/also: must be at most 63 letters, digits, -, _ and ., beginning and ending with a letter or digit',
        '/labels/n: must be a string',
      ],
    },
    { what: 'too many labels', fields: { labels: record(17) }, expected: ['/labels: must have at most 16 entries'] },
    ...['', '-x', 'a b', 'a;b', '$(x)'].map((image) => ({
      what: `the image ${JSON.stringify(image)}`,
      fields: { image },
      expected: ['/image: must be an image reference such as python:3.11-slim'],
    })),
    {
      what: 'an image with a long name',
      fields: { image: 'a'.repeat(513) },
      expected: ['/image: must have at most 512 characters'],
    },
    {
      what: 'less memory than the language needs',
      fields: { memoryLimitMiB: 127 },
      expected: ['/memoryLimitMiB: must be at least 128 for python in this sandbox, got 127'],
    },
    {
      what: 'a larger request than its limit',
      fields: { memoryRequestMiB: 513, cpuRequestMillicores: 501 },
      expected: [
        '/cpuRequestMillicores: must be at most cpuLimitMillicores, 500',
        '/memoryRequestMiB: must be at most memoryLimitMiB, 512',
      ],
    },
  ];

  test.each(rows)('with $what', ({ fields, expected }) => {
    expect(problems({ ...least, ...fields })).toEqual(expected);
  });

  test('or many lists every one', () => {
    const wrong = {
      language: 'x',
      code: '\0',
      args: [1],
      env: { '-': '' },
      timeoutSeconds: 0,
      memoryLimitMiB: 1,
      bad: 1,
    };
    const pointers = problems(wrong).map((problem) => problem.slice(0, problem.indexOf(':')));
    expect(pointers.sort()).toEqual([
      '/args/0',
      '/bad',
      '/code',
      '/env/-',
      '/language',
      '/memoryLimitMiB',
      '/timeoutSeconds',
    ]);
  });
});
