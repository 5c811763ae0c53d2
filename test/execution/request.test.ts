import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unpackFiles } from '../../src/execution/files.ts';
import { limits, sizes } from '../../src/execution/limits.ts';
import { parseRequest } from '../../src/execution/request.ts';
import { accepted, least, problems, rules } from './request-bodies.ts';

describe('a request that is right', () => {
  test('gets the defaults where it is silent', () => {
    const { request, code, stdin } = accepted(least);
    expect(request).toEqual({
      language: 'python',
      args: [],
      env: {},
      envNames: [],
      image: null,
      labels: {},
      codeBytes: 8,
      stdinBytes: 0,
      files: [],
      outputFiles: [],
      ...Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, limit.default])),
    });
    expect([Buffer.from(code).toString(), stdin.length]).toEqual(['print(1)', 0]);
  });

  test('keeps what it says', () => {
    const said = {
      language: 'javascript',
      args: ['', 'é', '--x=\n'],
      env: { PATH_2: 'a b', _: '' },
      image: 'europe-docker.pkg.dev/p/r/python:3.11@sha256:abc',
      labels: { team: 'a-b_c.d', 'no.value': '' },
      timeoutSeconds: 1,
      startTimeoutSeconds: 3600,
      cpuRequestMillicores: 10,
      cpuLimitMillicores: 8000,
      memoryRequestMiB: 64,
      memoryLimitMiB: 64,
      maxStdoutBytes: 0,
      maxStderrBytes: 1,
      outputFiles: ['*.png', 'out/**'],
      maxOutputFileBytes: 2,
    };
    const { request, stdin } = accepted({ ...said, code: '', stdin: 'a\0é' });
    expect(request).toEqual({ ...said, files: [], envNames: ['PATH_2', '_'], codeBytes: 0, stdinBytes: 4 });
    expect(Buffer.from(stdin).toString()).toBe('a\0é');
  });

  test('may have as many entries as the sizes say', () => {
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`K${index}`, '']));
    const fields = { args: Array.from({ length: 256 }, () => ''), env: keys(128), labels: keys(16) };
    expect(accepted({ ...least, ...fields }).request).toMatchObject(fields);
    expect(accepted({ ...least, env: { ['A'.repeat(256)]: '' } }).request.envNames[0]).toHaveLength(256);
    expect(accepted({ ...least, image: 'a'.repeat(512) }).request.image).toHaveLength(512);
  });

  test('may bring files, as text or as bytes', () => {
    const given = [
      { path: 'data/ü.csv', content: 'a,é\n' },
      { path: 'data/b', contentBase64: '/wA=' },
      { path: 'c', content: '' },
    ];
    const { request, files } = accepted({ ...least, files: given });
    expect(request.files).toEqual([
      { path: 'data/ü.csv', bytes: 5 },
      { path: 'data/b', bytes: 2 },
      { path: 'c', bytes: 0 },
    ]);
    const contents = unpackFiles(files).map(({ path, bytes }) => [path, Buffer.from(bytes).toString('latin1')]);
    expect(contents).toEqual([
      ['data/ü.csv', 'a,\xc3\xa9\n'],
      ['data/b', '\xff\0'],
      ['c', ''],
    ]);
  });

  test('may give stdin as bytes', () => {
    expect([...accepted({ ...least, stdinBase64: '/wAK' }).stdin]).toEqual([0xff, 0, 0x0a]);
  });

  test('asks for no more than its limits when it names only those', () => {
    const { request } = accepted({ ...least, cpuLimitMillicores: 100, memoryLimitMiB: 128 });
    expect(request).toMatchObject({ cpuRequestMillicores: 100, memoryRequestMiB: 128 });
  });

  test('may be as large as the bundle, and not a byte larger, counted in UTF-8', () => {
    const room = sizes.bundleBytes - Buffer.byteLength('üAvü');
    const filled = { language: 'python', args: ['ü'], env: { A: 'v' }, stdin: 'ü' };
    expect(accepted({ ...filled, code: 'x'.repeat(room) }).request.codeBytes).toBe(room);
    expect(problems({ ...filled, code: `${'x'.repeat(room - 1)}é` })).toEqual([
      `/code: must be smaller: code, stdin, files, args and env together may have 614400 bytes and have 614401, ${room + 1} of them here`,
    ]);
  });
});

const integer = (name: keyof typeof limits) =>
  `must be an integer from ${limits[name].minimum} to ${limits[name].maximum}`;

describe('a request that is wrong', () => {
  const numbers = Object.keys(limits).filter((name): name is keyof typeof limits => name in limits);

  test.each(numbers)('with a %s that is out of bounds or no integer', (name) => {
    const { minimum, maximum } = limits[name];
    for (const value of [minimum - 1, maximum + 1, -1, minimum + 0.5, 1e308]) {
      expect(problems({ ...least, [name]: value })).toEqual([`/${name}: ${integer(name)}, got ${value}`]);
    }
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '1', null, true, [1], {}]) {
      expect(problems({ ...least, [name]: value })).toEqual([`/${name}: ${integer(name)}`]);
    }
  });

  test.each([null, 'text', 5, [], true, undefined])('with the body %j', (body) => {
    expect(problems(body)).toEqual([': must be a JSON object']);
  });

  test('with an image where there are none', () => {
    const under = { ...rules, images: 'none' as const };
    expect(problems({ ...least, image: 'python' }, under)).toEqual([
      '/image: this sandbox has no container images; leave image out',
    ]);
    expect(problems(least, under)).toEqual([]);
  });

  test('with an image that is not allowed', () => {
    const under = { ...rules, images: ['europe-docker.pkg.dev/p/r/', 'alpine:3.22'] };
    for (const image of ['python:3.11-slim', 'alpine:3.22', 'europe-docker.pkg.dev/p/r/data:1']) {
      expect(problems({ ...least, image }, under)).toEqual([]);
    }
    for (const image of [
      'alpine',
      'alpine:3.22.1',
      'python:3.11-slim-evil',
      '10.0.0.5:5432/x',
      'europe-docker.pkg.dev/p/r2/x',
    ]) {
      expect(problems({ ...least, image }, under)).toEqual([
        '/image: is not allowed here; allowed are: python:3.11-slim, node:24-slim, europe-docker.pkg.dev/p/r/, alpine:3.22',
      ]);
    }
  });

  test('with a language that the sandbox does not run', () => {
    const under = { ...rules, minimumMemoryMiB: (language: string) => (language === 'shell' ? null : 1) };
    expect(problems({ ...least, language: 'shell' }, under)).toEqual([
      '/language: must be python or javascript or typescript in this sandbox; shell needs a cluster',
    ]);
  });

  test('with a prototype in its body', () => {
    const body: unknown = JSON.parse('{"language":"python","code":"","__proto__":{"timeoutSeconds":1}}');
    expect(problems(body)).toEqual(['/__proto__: is not a known field']);
  });

  test.each([
    ['stdin', { code: 'c', stdin: 'é'.repeat(327_681) }, '/stdin'],
    ['stdinBase64', { code: 'c', stdinBase64: Buffer.alloc(655_361).toString('base64') }, '/stdinBase64'],
    ['files', { code: 'c', files: [{ path: 'a', content: 'x'.repeat(655_361) }] }, '/files'],
    ['args', { code: 'c', args: ['x'.repeat(655_361)] }, '/args'],
    ['env', { code: 'c', env: { A: 'x'.repeat(655_361) } }, '/env'],
  ])('with too much, most of it in %s', (_, fields, pointer) => {
    const [problem, ...others] = problems({ ...least, ...fields });
    expect(problem?.startsWith(`${pointer}: must be smaller: `)).toBe(true);
    expect(others).toEqual([]);
  });
});

test('whatever the body, the parser answers, and what it accepts is within every limit', () => {
  const body = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        language: fc.constantFrom('python', 'javascript', 'x'),
        code: fc.string({ unit: 'binary' }),
        args: fc.array(fc.string()),
        env: fc.dictionary(fc.string(), fc.string()),
        labels: fc.dictionary(fc.string(), fc.string()),
        stdin: fc.string({ unit: 'binary' }),
        timeoutSeconds: fc.oneof(fc.double(), fc.integer({ min: -5, max: 5000 })),
        memoryLimitMiB: fc.oneof(fc.double(), fc.integer({ min: 0, max: 20_000 })),
      },
      { requiredKeys: ['language', 'code'] },
    ),
  );
  fc.assert(
    fc.property(body, (value) => {
      const parsed = parseRequest(value, rules);
      if (!parsed.ok) {
        expect(parsed.problems.length).toBeGreaterThan(0);
        for (const { pointer } of parsed.problems) expect(pointer).toMatch(/^(\/|$)/);
        return;
      }
      const { request, code, stdin } = parsed.submission;
      expect(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(code)).toBe(Object(value).code);
      expect(code.length + stdin.length).toBeLessThanOrEqual(sizes.bundleBytes);
      for (const name of ['timeoutSeconds', 'memoryLimitMiB'] as const) {
        expect(request[name]).toBeGreaterThanOrEqual(limits[name].minimum);
        expect(request[name]).toBeLessThanOrEqual(limits[name].maximum);
      }
    }),
    { numRuns: 3000 },
  );
});
