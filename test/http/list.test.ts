import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Executor } from '../../src/executor.ts';
import { resourceSchema } from '../../src/resource.ts';
import { problemIn } from './problems.ts';
import { hello, place, type Served, serve } from './serving.ts';

const pageSchema = z.object({ executions: z.array(resourceSchema), next: z.string().nullable() });
let executor: Executor;
let server: Served;
const ids: string[] = [];
beforeAll(async () => {
  executor = place().recording();
  server = await serve(executor);
  for (let i = 0; i < 25; i++) ids.push((await executor.submit({ ...hello, args: [`${i}`] }, {})).execution.id);
});
afterAll(() => server.close());

const page = async (query: string) => {
  const response = await fetch(new URL(`/v1/executions${query}`, server.url));
  return { link: response.headers.get('link'), ...pageSchema.parse(await response.json()) };
};

test('every execution is on exactly one page, and Link leads through them', async () => {
  const seen: string[] = [];
  let at: string | null = '?limit=10';
  const sizes: number[] = [];
  while (at !== null) {
    const { executions, next, link } = await page(at);
    seen.push(...executions.map(({ id }) => id));
    sizes.push(executions.length);
    expect(link === null).toBe(next === null);
    at = /^<\/v1\/executions(\?.*)>; rel="next"$/.exec(link ?? '')?.[1] ?? null;
  }
  expect(sizes).toEqual([10, 10, 5]);
  expect(seen.toSorted()).toEqual(ids.toSorted());
});

test('a page has twenty when nothing is said', async () => {
  expect((await page('')).executions).toHaveLength(20);
});

test('a state selects, and the next page keeps it', async () => {
  await executor.cancel(ids[3] ?? '');
  await executor.cancel(ids[4] ?? '');
  const { executions, link } = await page('?state=CANCELLED&limit=1');
  expect(executions.map(({ state }) => state)).toEqual(['CANCELLED']);
  expect(link).toContain('state=CANCELLED&limit=1&cursor=');
});

test('everything wrong with a query is listed at once', async () => {
  const response = await fetch(new URL('/v1/executions?state=DONE&limit=0&color=red&cursor=a&cursor=b', server.url));
  const { errors } = await problemIn(response, 400, 'malformed-request');
  expect(errors?.map(({ parameter, detail }) => `${parameter} ${detail}`)).toEqual([
    'color is not a known parameter',
    'cursor is given more than once',
    expect.stringMatching(/^state must be one of ACCEPTED, /),
    'limit must be an integer from 1 to 100',
  ]);
});

test.each(['101', '-1', '1.5', '1e2', '0x10', ' 5', '', 'ten', '99999999999'])('limit=%j is refused', async (limit) => {
  const response = await fetch(new URL(`/v1/executions?limit=${encodeURIComponent(limit)}`, server.url));
  await problemIn(response, 400, 'malformed-request');
});

test.each(['', 'x', '%00', 'a'.repeat(600), encodeURIComponent('🙂'), '..%2f..'])(
  'cursor=%s, which no page gave, is refused',
  async (cursor) => {
    const response = await fetch(new URL(`/v1/executions?cursor=${cursor}`, server.url));
    const { errors, detail } = await problemIn(response, 400, 'malformed-request');
    expect(errors).toMatchObject([{ parameter: 'cursor' }]);
    expect(detail).toMatch(/^the query is wrong: cursor is not a cursor of this list/);
  },
);
