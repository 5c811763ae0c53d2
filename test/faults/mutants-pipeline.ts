import type { Mutant } from './mutants.ts';

/** Mistakes of submit, launch, complete and cancel. */
export const pipelineMutants: readonly Mutant[] = [
  {
    name: 'launch acknowledges before its launches are done',
    file: 'src/pipeline/launch.ts',
    from: '(await Promise.all(begun)).flat()',
    to: '[].concat()',
  },
  {
    name: 'complete acknowledges before the result is stored',
    file: 'src/pipeline/complete.ts',
    from: 'return finish(ports, execution, job, status);',
    to: 'return void finish(ports, execution, job, status);',
  },
  {
    name: 'submit rings before the record is stored',
    file: 'src/pipeline/submit.ts',
    from: '  const stored = await',
    to: "  await ports.bus.publish('execution-requested', { executionId: id }).catch(() => {});\n  const stored = await",
  },
  {
    name: 'cancel publishes before the record is stopping',
    file: 'src/pipeline/cancel.ts',
    from: '  const update =',
    to: "  await ports.bus.publish('execution-observed', { executionId });\n  const update =",
  },
  {
    name: 'the Job is deleted before the result is stored',
    file: 'src/pipeline/complete.ts',
    from: '  await apply(ports, execution.id, event, kept === null ? parts(captured) : undefined);\n  await ports.sandbox.remove(job, { wait: false });',
    to: '  await ports.sandbox.remove(job, { wait: false });\n  await apply(ports, execution.id, event, kept === null ? parts(captured) : undefined);',
    by: 'play cloud/exit0 complete:sandbox.remove#1=crash-after',
  },
  {
    name: 'the start signal comes before the record is LAUNCHING',
    file: 'src/pipeline/launch.ts',
    from: "async function begin(ports: Ports, { id }: Execution, jobUid: string): Promise<void> {\n  const update = await apply(ports, id, { type: 'launched', jobUid });",
    to: "async function begin(ports: Ports, { id, ...rest }: Execution, jobUid: string): Promise<void> {\n  const code = (await ports.store.executions.part(id, 'code')) ?? new Uint8Array();\n  await ports.sandbox.start({ executionId: id, jobUid }, specOf({ id, ...rest }), { code, stdin: new Uint8Array() }, async () => true);\n  const update = await apply(ports, id, { type: 'launched', jobUid });",
  },
  {
    name: 'a launcher that lost its compare-and-set keeps going',
    file: 'src/pipeline/launch.ts',
    from: "if (update?.after.state === 'ACCEPTED' || update === undefined || jobUidOf(update.after) !== jobUid) {\n",
    to: "if (update === undefined) return;\n  if (jobUidOf(update.after) !== jobUid) {\n    return start(ports, { ...update.after, state: 'LAUNCHING', jobUid });\n",
    by: 'play cloud/keys launch:sandbox.create#1=stall',
  },
  {
    name: 'an error of a launch is heard by nobody until all have begun',
    file: 'src/pipeline/launch.ts',
    from: 'begun.push(Promise.allSettled([begin(ports, execution, creation.jobUid)]));',
    to: 'const launched = begin(ports, execution, creation.jobUid);\n        begun.push(launched.then(() => []));',
    by: 'play cloud/crowd launch:store.update#1=error-after',
  },
  {
    name: 'whoever lost an execution to another process starts it',
    file: 'src/pipeline/launch.ts',
    from: ' || !isOurs(ports, execution)) return;\n  const { store, sandbox, bus }',
    to: ') return;\n  const { store, sandbox, bus }',
    by: 'race gated/accepted/launch+reconcile/still ab',
  },
  {
    name: 'complete judges what another process owns',
    file: 'src/pipeline/complete.ts',
    from: " || execution.state === 'ACCEPTED' || !isOurs(ports, execution)) return;",
    to: " || execution.state === 'ACCEPTED') return;",
    by: 'play embedded/cancel-elsewhere',
  },
  {
    name: 'a full cluster refuses for good',
    file: 'src/pipeline/launch.ts',
    from: "if (creation.kind === 'full') {\n",
    to: "if (creation.kind === 'full') {\n        await apply(ports, execution.id, { type: 'rejected', message: creation.message });\n",
  },
  {
    name: 'the idempotency key is not scoped by caller',
    file: 'src/pipeline/submit.ts',
    from: 'JSON.stringify([caller, idempotencyKey])',
    to: 'JSON.stringify([idempotencyKey])',
  },
  {
    name: 'the output is cut after it was counted',
    file: 'src/pipeline/complete.ts',
    from: 'return { stdout: stdout.bytes, stderr: stderr.bytes };',
    to: 'return { stdout: stdout.bytes.subarray(0, 10), stderr: stderr.bytes };',
  },
  {
    name: 'a free slot rings nobody',
    file: 'src/pipeline/complete.ts',
    from: '  if (next !== undefined) await',
    to: '  if (next === null) await',
  },
  {
    name: 'a stopping Job is not waited for',
    file: 'src/pipeline/complete.ts',
    from: 'await ports.sandbox.remove(job, { wait: true });',
    to: 'await ports.sandbox.remove(job, { wait: false });',
  },
  {
    name: 'what a stopped program printed is not kept',
    file: 'src/pipeline/complete.ts',
    from: "if (execution.output === null && status.kind !== 'absent') {",
    to: "if (execution.output === null && status.kind === 'absent') {",
  },
  {
    name: 'the ending of a pod that we deleted counts as its own',
    file: 'src/pipeline/complete.ts',
    from: 'return !deleting || ',
    to: 'return true || ',
  },
  {
    name: 'what is gone is called overdue',
    file: 'src/pipeline/complete.ts',
    from: "{ type: 'lost', jobUid: job.jobUid, message });",
    to: "{ type: 'overdue' });",
  },
];
