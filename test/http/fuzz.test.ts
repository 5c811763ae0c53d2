import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ProblemDocument, problemSchema } from '../../src/http/problem.ts';
import { resourceSchema } from '../../src/resource.ts';
import { raw, request } from './raw.ts';
import { hello, place, post, type Served, serve } from './serving.ts';

let server: Served;
let id: string;
beforeAll(async () => {
  const executor = place().recording();
  id = (await executor.submit(hello, {})).execution.id;
  server = await serve(executor);
});
afterAll(async () => {
  expect(server.reported).toEqual([]);
  await server.close();
});

/** What any caller may get: a resource, or a problem that is not the server's. */
async function answer(body: string | Uint8Array): Promise<ProblemDocument | undefined> {
  const response = await post(new URL('/v1/executions', server.url), body);
  const json: unknown = await response.json();
  if (response.status === 202) {
    resourceSchema.parse(json);
    return undefined;
  }
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = problemSchema.parse(json);
  expect(problem.status).toBe(response.status);
  expect([400, 413, 422]).toContain(response.status);
  return problem;
}

const anything = fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' });
const fields = {
  language: fc.oneof(fc.constantFrom('python', 'javascript'), anything),
  code: fc.oneof(fc.string({ unit: 'binary' }), anything),
  args: fc.oneof(fc.array(fc.string({ unit: 'binary' })), anything),
  env: fc.oneof(fc.dictionary(fc.string(), fc.string()), anything),
  labels: fc.oneof(fc.dictionary(fc.string(), fc.string()), anything),
  stdin: anything,
  stdinBase64: fc.oneof(fc.base64String(), anything),
  image: anything,
  timeoutSeconds: fc.oneof(fc.integer(), fc.double(), anything),
  memoryLimitMiB: fc.oneof(fc.integer({ min: 64, max: 16_384 }), anything),
  cpuLimitMillicores: fc.oneof(fc.integer({ min: 50, max: 8_000 }), anything),
  maxStdoutBytes: fc.oneof(fc.nat(), anything),
  surprise: anything,
};

test('any bytes are a resource or a problem', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array(), fc.string({ unit: 'binary' })), async (body) => {
      expect([400, 422]).toContain((await answer(body))?.status);
    }),
    { numRuns: 80, examples: [['']] },
  );
}, 20_000);

test('any JSON is a resource or a problem', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json({ stringUnit: 'binary' }), async (body) => {
      expect(await answer(body)).toBeDefined();
    }),
    { numRuns: 80 },
  );
}, 20_000);

test('any request with its fields in disorder is a resource or a problem that says where', async () => {
  await fc.assert(
    fc.asyncProperty(fc.record(fields, { requiredKeys: [] }), async (body) => {
      const problem = await answer(JSON.stringify(body));
      if (problem?.status === 422) expect(problem.errors?.length).toBeGreaterThan(0);
    }),
    { numRuns: 150 },
  );
}, 20_000);

test('any request line and headers get a problem or what they ask for', async () => {
  const known = ['', '/healthz', '/v1/executions', '/v1/executions/ID', '/v1/executions/ID/cancel'];
  const base = fc.constantFrom(...known, '/v1/executions/ID/stdout');
  const odd = fc.constantFrom('..', '.', '', '%2e%2e', '%zz', '%00', 'stderr');
  const path = fc.tuple(base, fc.array(fc.oneof(odd, fc.webSegment()), { maxLength: 2 }), fc.boolean());
  const parameter = fc.tuple(
    fc.constantFrom('state', 'limit', 'cursor', 'include', '__proto__', 'x'),
    fc.oneof(fc.constantFrom('output', 'RUNNING', '10'), fc.webQueryParameters()),
  );
  const printable = fc.string({ unit: fc.constantFrom(...'aB1 "\\,;=/*-_:.é\t') });
  const headers = fc.record(
    {
      'idempotency-key': printable,
      prefer: fc.oneof(
        fc.constant('wait=0'),
        printable.filter((text) => !/\d/.test(text)),
      ),
      'if-none-match': printable,
      'content-type': fc.oneof(fc.constant('application/json'), printable),
      authorization: printable,
      origin: fc.oneof(fc.webUrl(), printable),
      host: fc.oneof(fc.constantFrom('localhost', '.1', '[::]'), fc.webAuthority(), printable),
    },
    { requiredKeys: [] },
  );
  const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND');
  await fc.assert(
    fc.asyncProperty(
      method,
      path,
      fc.array(parameter, { maxLength: 3 }),
      headers,
      async (verb, parts, query, given) => {
        const [start, odds, more] = parts;
        const target = [start.replace('ID', id), ...(more ? odds : [])].join('/') || '/';
        const search = query.map(([name, value]) => `${name}=${value}`).join('&');
        const body = verb === 'POST' ? { 'content-length': '2' } : {};
        const text = request(`${verb} ${target}?${search}`, { ...given, ...body }, verb === 'POST' ? '{}' : '');
        const [got] = await raw(server.url, text);
        expect(got?.status).toBeGreaterThanOrEqual(200);
        expect(got?.status).toBeLessThan(500);
        if (verb === 'HEAD' || got?.status === 304) expect(got?.body).toBe('');
        else if ((got?.status ?? 0) >= 400) problemSchema.parse(JSON.parse(got?.body ?? ''));
      },
    ),
    { numRuns: 250, examples: [['POST', ['/v1/executions', [], false], [], { 'content-type': 'application/json' }]] },
  );
}, 30_000);
