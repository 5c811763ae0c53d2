import { classify, type Verdict } from '../../../src/execution/classify.ts';
import type { ExecutionRequest } from '../../../src/execution/execution.ts';
import type { Around } from '../../../src/sandbox/memory/api.ts';
import { type MemoryClusterOptions, memoryCluster } from '../../../src/sandbox/memory/cluster.ts';
import { memorySandbox } from '../../../src/sandbox/memory.ts';
import type { Sandbox, SandboxSpec, SandboxStatus } from '../../../src/sandbox/sandbox.ts';
import { input, type Made, permitted, request } from '../../contracts/sandbox/lab.ts';
import { virtualClock } from '../../virtual-clock.ts';

export const installation = 'aaaaaaaa';

/** A cluster in virtual time with as many clients as a test wants. */
export function world(options: Omit<MemoryClusterOptions, 'clock'> = {}) {
  const clock = virtualClock();
  const cluster = memoryCluster({ clock, ...options });
  const client = (name: string, around?: Around, gated = false) =>
    memorySandbox({ cluster, installation, namespaceUid: 'ns', client: name, gated, ...(around && { around }) });
  const sandbox = client('first');
  let ids = 0;

  /** Lets time pass until it is settled. */
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    let over = false;
    const mark = () => {
      over = true;
    };
    promise.then(mark, mark);
    for (let passed = 0; !over; passed += 10) {
      if (passed > 3_600_000) throw new Error('not settled within an hour');
      await clock.pass(10);
    }
    return promise;
  };
  const newSpec = (fields: Partial<ExecutionRequest> = {}): SandboxSpec => ({
    executionId: `e${ids++}`,
    request: request(fields),
  });
  const create = async (spec: SandboxSpec = newSpec(), by: Sandbox = sandbox): Promise<Made> => {
    const creation = await settled(by.create(spec));
    if (creation.kind !== 'created') throw new Error(creation.message);
    return { spec, job: { executionId: spec.executionId, jobUid: creation.jobUid } };
  };
  const start = ({ job, spec }: Made, code: string, by: Sandbox = sandbox) =>
    settled(by.start(job, spec, input(code), permitted));
  const launch = async (code: string, fields: Partial<ExecutionRequest> = {}): Promise<Made> => {
    const made = await create(newSpec(fields));
    await start(made, code);
    return made;
  };
  const reached = async ({ job }: Made, kind: SandboxStatus['kind']): Promise<SandboxStatus> => {
    await clock.until(async () => (await sandbox.inspect(job)).kind === kind);
    return sandbox.inspect(job);
  };
  const verdict = async ({ job, spec }: Made): Promise<Verdict> => {
    const status = await reached({ job, spec }, 'ended');
    if (status.kind !== 'ended') throw new Error(status.kind);
    // The log of a node that was given up cannot be read any more.
    const report = await sandbox.output(job, spec).then(
      (output) => output.report,
      () => null,
    );
    return classify(status.ending, { timeoutSeconds: spec.request.timeoutSeconds, started: false, report });
  };
  const happened = (type: (typeof cluster.history)[number]['type']) =>
    cluster.history.filter((event) => event.type === type);
  const left = () => Object.values(cluster.objects()).flat().length;

  return { clock, cluster, client, sandbox, settled, newSpec, create, start, launch, reached, verdict, happened, left };
}
