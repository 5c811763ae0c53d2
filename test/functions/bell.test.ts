import { once } from 'node:events';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { expect, onTestFinished, test } from 'vitest';
import { dayMs, retention } from '../../src/execution/limits.ts';
import { onBell } from '../../src/function.ts';

test('a bell that is older than any tombstone is acknowledged and not heard', async () => {
  const heard: string[] = [];
  onBell('listener', async ({ executionId }) => void heard.push(executionId));
  const server = getTestServer('listener').listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  const ring = async (executionId: string, publishTime: number) => {
    const message = { attributes: { executionId }, messageId: '1', publishTime: new Date(publishTime).toISOString() };
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ message });
    return (await fetch(`http://127.0.0.1:${address.port}/`, { method: 'POST', headers, body })).status;
  };
  const long = retention.tombstoneDays * dayMs;
  expect(await ring('old', Date.now() - long)).toBe(204);
  expect(await ring('young', Date.now() - long + 60_000)).toBe(204);
  expect(heard).toEqual(['young']);
});
