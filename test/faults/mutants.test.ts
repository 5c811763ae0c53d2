import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { mutants } from './mutants.ts';
import { parseSchedule } from './schedule.ts';

test.each(mutants)('$name: can still be planted', async ({ file, from, to, by }) => {
  const source = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
  expect(source.split(from)).toHaveLength(2);
  expect(to).not.toBe(from);
  if (by !== undefined) parseSchedule(by);
});

test('mutants are told apart by their names', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});
