import { expect, test } from 'vitest';
import type { OutputSummary } from '../../src/execution/execution.ts';
import { noOutput } from '../../src/execution/final.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { apply } from '../../src/pipeline/ports.ts';
import type { SandboxOutput, SandboxStatus } from '../../src/sandbox/sandbox.ts';
import { world } from './world.ts';

const nothing = { bytes: new Uint8Array(), totalBytes: 0 };
const lost: SandboxOutput = {
  ...{ stdout: nothing, stderr: nothing, files: new Uint8Array(), omittedFiles: 0 },
  ...{ complete: false, kernel: null, report: null },
};
const container = { exitCode: 0, reason: 'Completed', message: '', startedAt: 1_000, finishedAt: 2_000 };
const ending = { podReason: '', podMessage: '', disruption: '', container, jobReason: '' };
const ended: SandboxStatus = { kind: 'ended', ending, deleting: false };

test('what was stored of an execution that is being stopped is not given up for a log that is gone', async () => {
  const w = world();
  const ports = w.ports();
  const id = await w.submit(ports, 'print("begun")');
  const sandbox = { ...ports.sandbox, inspect: async () => ended, output: async () => lost };
  const begun: OutputSummary = {
    ...noOutput,
    ...{ stdout: { bytes: 6, totalBytes: 6, truncated: false }, complete: false, incompleteBecause: 'it ran still' },
  };
  await apply(ports, id, { type: 'launched', jobUid: 'j' });
  await apply(ports, id, { type: 'started', jobUid: 'j', startedAt: 1_000, epoch: null });
  await apply(ports, id, { type: 'cancelRequested' });
  await apply(ports, id, { type: 'collected', jobUid: 'j', output: begun }, { stdout: Buffer.from('begun\n') });
  await complete({ ...ports, sandbox }, id);
  expect(await ports.store.executions.get(id)).toMatchObject({ state: 'SUCCEEDED', output: begun });
  expect(Buffer.from((await ports.store.executions.part(id, 'stdout')) ?? []).toString()).toBe('begun\n');
});
