import { expect, test } from 'vitest';
import { type MemoryClusterOptions, memoryCluster } from '../../src/sandbox/memory/cluster.ts';
import { memorySandbox } from '../../src/sandbox/memory.ts';
import type { Observation } from '../../src/sandbox/sandbox.ts';
import { input, newInstallation, newSpec, type SandboxFixture, text } from '../contracts/sandbox/lab.ts';
import { contractBehaviour } from '../contracts/sandbox/programs.ts';
import { sandboxContract } from '../contracts/sandbox.ts';
import { virtualClock } from '../virtual-clock.ts';

/** A cluster in virtual time that passes as fast as everything that was due is done. */
async function fixture(gated: boolean, options: MemoryClusterOptions = {}): Promise<SandboxFixture> {
  const clock = virtualClock();
  const ticking = new AbortController();
  const tick = async () => {
    while (!ticking.signal.aborted) await clock.pass(10);
  };
  const ticks = tick();
  const behaviour = contractBehaviour;
  const cluster = memoryCluster({ clock, behaviour, ...options });
  return {
    open: async (installation) => memorySandbox({ cluster, installation, namespaceUid: 'one', gated }),
    openWithRoom: async (installation, quota) => {
      const small = memoryCluster({ clock, behaviour, ...options, quota });
      return memorySandbox({ cluster: small, installation, namespaceUid: 'small', gated });
    },
    starts: async ({ jobUid }) =>
      cluster.history.filter((event) => event.type === 'started' && event.jobUid === jobUid).length,
    pause: clock.sleep,
    close: async () => {
      ticking.abort();
      await ticks;
    },
  };
}

const kubeletDecides = 'the model starts containers as the kubelet does';

sandboxContract({
  name: 'memorySandbox',
  setup: () => fixture(false),
  optOuts: { permitRefused: kubeletDecides, permitThrows: kubeletDecides, permitFirst: kubeletDecides },
});

sandboxContract({
  name: 'memorySandbox with gated starts',
  setup: () => fixture(true),
  optOuts: { permitNever: 'gated starts ask for a permit' },
});

test('as it comes, it runs a tiny program in real time', async () => {
  const sandbox = memorySandbox({ cluster: memoryCluster(), installation: newInstallation(), namespaceUid: 'one' });
  const spec = newSpec();
  const creation = await sandbox.create(spec);
  if (creation.kind !== 'created') throw new Error(creation.message);
  const job = { executionId: spec.executionId, jobUid: creation.jobUid };
  const never = () => Promise.reject(new Error('the kubelet asks nobody'));
  await sandbox.start(job, spec, input('print("tick")\ntime.sleep(0.05)\nprint("tock")'), never);
  const { promise: ended, resolve } = Promise.withResolvers<Observation>();
  const abort = new AbortController();
  const watched = sandbox.watch(
    (observation) => {
      if (observation.status.kind === 'ended') resolve(observation);
    },
    abort.signal,
    never,
  );
  expect(await ended).toMatchObject({ job, status: { ending: { container: { exitCode: 0 } } } });
  expect(text((await sandbox.output(job, spec)).stdout.bytes)).toBe('tick\ntock\n');
  await sandbox.remove(job, { wait: true });
  expect(await sandbox.list()).toEqual([]);
  abort.abort();
  await watched;
});
