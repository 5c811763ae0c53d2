import { expect, test } from 'vitest';
import { dayMs, retention } from '../../src/execution/limits.ts';
import { onBell } from '../../src/function.ts';
import { served } from './served.ts';

test('a bell that is older than any tombstone is acknowledged and not heard', async () => {
  const heard: string[] = [];
  onBell('listener', async ({ executionId }) => void heard.push(executionId));
  const url = await served('listener');
  const ring = async (executionId: string, publishTime: number) => {
    const message = { attributes: { executionId }, messageId: '1', publishTime: new Date(publishTime).toISOString() };
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ message });
    return (await fetch(url, { method: 'POST', headers, body })).status;
  };
  const long = retention.tombstoneDays * dayMs;
  expect(await ring('old', Date.now() - long)).toBe(204);
  expect(await ring('young', Date.now() - long + 60_000)).toBe(204);
  expect(heard).toEqual(['young']);
});
