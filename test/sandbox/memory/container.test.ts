import { expect, test } from 'vitest';
import type { Behaviour } from '../../../src/sandbox/memory/behaviour.ts';
import { text } from '../../contracts/sandbox/lab.ts';
import { world } from './world.ts';

const late = (atMs: number) => ({ atMs, stream: 'stdout', bytes: new TextEncoder().encode('late') }) as const;

const rows: readonly { what: string; behaviour: Behaviour; verdict: object; stdout?: string }[] = [
  { what: 'silence', behaviour: {}, verdict: { state: 'SUCCEEDED', exitCode: 0 } },
  { what: 'a signal', behaviour: { signal: 11 }, verdict: { state: 'FAILED', exitCode: 139, signal: 11 } },
  {
    what: 'a run that ends just in time',
    behaviour: { durationMs: 4_999, stdout: 'x' },
    verdict: { state: 'SUCCEEDED' },
    stdout: 'x',
  },
  {
    what: 'a run as long as the limit',
    behaviour: { durationMs: 5_000, stdout: 'x' },
    verdict: { state: 'TIMED_OUT', exitCode: 124 },
    stdout: 'x',
  },
  { what: 'as much memory as there is', behaviour: { memoryMiB: 512 }, verdict: { state: 'SUCCEEDED' } },
  {
    what: 'too much memory, in the end',
    behaviour: { memoryMiB: 513, durationMs: 100, stdout: 'x' },
    verdict: { state: 'MEMORY_LIMIT', exitCode: 128 },
    stdout: 'x',
  },
  {
    what: 'the death of PID 1',
    behaviour: { killsSupervisor: true, durationMs: 100, stdout: 'x' },
    verdict: { state: 'KILLED', exitCode: 137 },
    stdout: 'x',
  },
  {
    what: 'a print before its end',
    behaviour: { durationMs: 100, writes: [late(99)] },
    verdict: { state: 'SUCCEEDED' },
    stdout: 'late',
  },
  {
    what: 'a print that its end forestalls',
    behaviour: { durationMs: 100, writes: [late(101)] },
    verdict: { state: 'SUCCEEDED' },
    stdout: '',
  },
];

test.each(rows)('a program ends by itself with $what', async ({ behaviour, verdict, stdout = '' }) => {
  const w = world({ behaviour: () => behaviour });
  const made = await w.launch('', { timeoutSeconds: 5 });
  expect(await w.verdict(made)).toMatchObject(verdict);
  expect(text((await w.sandbox.output(made.job, made.spec)).stdout.bytes)).toBe(stdout);
  expect(w.cluster.running()).toEqual([]);
});

test('a time limit shows in whole seconds whenever the program starts', async () => {
  for (let offset = 0; offset < 1_000; offset += 37) {
    const w = world({ behaviour: () => ({ durationMs: 'forever' }) });
    await w.clock.pass(offset);
    const made = await w.launch('', { timeoutSeconds: 1 });
    expect(await w.verdict(made), `${offset} ms after the second`).toMatchObject({ state: 'TIMED_OUT' });
  }
});
