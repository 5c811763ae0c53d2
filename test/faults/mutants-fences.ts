import type { Mutant } from './mutants.ts';

/** Fences against what is said of a Job that is not the execution's own. */
const uids: readonly Mutant[] = [
  {
    name: 'the start of a foreign Job counts',
    file: 'src/execution/transitions.ts',
    from: 'if (event.jobUid !== execution.jobUid || fenced) return execution;',
    to: 'if (fenced) return execution;',
  },
  {
    name: 'the loss of a foreign Job counts',
    file: 'src/execution/transitions.ts',
    from: "return event.jobUid === execution.jobUid ? stop(execution, 'lost', event.message, now) : execution;",
    to: "return stop(execution, 'lost', event.message, now);",
  },
  {
    name: 'the ending of a foreign Job counts',
    file: 'src/execution/transitions.ts',
    from: ": execution;\n    case 'ended':\n      return event.jobUid === execution.jobUid ? ended(execution, event, now) : execution;",
    to: ": execution;\n    case 'ended':\n      return ended(execution, event, now);",
  },
  {
    name: 'the ending of a foreign Job counts while it is stopping',
    file: 'src/execution/transitions.ts',
    from: "    case 'ended':\n      return event.jobUid === execution.jobUid ? ended(execution, event, now) : execution;\n    case 'collected':",
    to: "    case 'ended':\n      return ended(execution, event, now);\n    case 'collected':",
  },
  {
    name: 'the start of a foreign Job counts while it is stopping',
    file: 'src/execution/transitions.ts',
    from: 'if (event.jobUid !== execution.jobUid || event.epoch !== null || execution.startedAt !== null) return execution;',
    to: 'if (event.epoch !== null || execution.startedAt !== null) return execution;',
  },
  {
    name: 'the output of a foreign Job is kept',
    file: 'src/execution/transitions.ts',
    from: 'if (event.jobUid !== execution.jobUid || execution.output !== null) return execution;',
    to: 'if (execution.output !== null) return execution;',
  },
  {
    name: 'the removal of a foreign Job counts',
    file: 'src/execution/transitions.ts',
    from: 'return event.jobUid === execution.jobUid ? stopped(execution, event.started, now) : execution;',
    to: 'return stopped(execution, event.started, now);',
  },
  {
    name: 'a later Job of the same name is taken for the recorded one',
    file: 'src/sandbox/memory.ts',
    from: 'return found?.uid === job.jobUid ? found : undefined;',
    to: 'return found;',
  },
  {
    name: 'the pods of a foreign Job are looked at',
    file: 'src/sandbox/memory.ts',
    from: '        pods.filter(({ jobUid }) => jobUid === job.jobUid),',
    to: '        pods,',
  },
  {
    name: 'the output of a foreign pod is read',
    file: 'src/sandbox/memory.ts',
    from: 'const ours = pods.filter(({ jobUid }) => jobUid === job.jobUid);',
    to: 'const ours = pods;',
  },
];

/** Mistakes of who watches, and of who asks for it. */
const relays: readonly Mutant[] = [
  {
    name: 'a relay looks for the last time before it gives up its lease',
    file: 'src/pipeline/relay.ts',
    from: '  await lease.release();\n  const open = await firstOpen(ports);\n',
    to: '  const open = await firstOpen(ports);\n  await lease.release();\n',
  },
  {
    name: 'a relay ends without a last look',
    file: 'src/pipeline/relay.ts',
    from: '  if (open !== undefined) await ports.bus.publish',
    to: '  if (open === "") await ports.bus.publish',
  },
  {
    name: 'a relay that has ended counts as one',
    file: 'src/pipeline/relay.ts',
    from: 'return lease !== undefined && lease.expiresAt > clock.now();',
    to: 'return lease !== undefined && clock.now() > 0;',
  },
  {
    name: 'nobody asks for a relay',
    file: 'src/pipeline/launch.ts',
    from: "if (started === 'started' && !(await isRelayed(ports)))",
    to: "if (started === 'started' && (await isRelayed(ports)))",
  },
  {
    name: 'a relay returns before what it saw is written',
    file: 'src/pipeline/watch.ts',
    from: '  await Promise.all(pending);\n',
    to: '',
    by: 'play cloud/exit0 watch:store.update#1=hang',
  },
  {
    name: 'a relay goes on with nothing to watch',
    file: 'src/pipeline/relay.ts',
    from: 'clock.now() - busyAt < times.idle',
    to: 'clock.now() - busyAt >= 0',
  },
  {
    name: 'a relay leaves every deadline to the reconciler',
    file: 'src/pipeline/relay.ts',
    from: 'page.filter((execution) => !enforced.has(',
    to: 'page.filter((execution) => enforced.has(',
    by: 'play cloud/overdue',
  },
  {
    name: 'a permitted start that never came is waited for',
    file: 'src/pipeline/complete.ts',
    from: "  if (execution.state === 'RUNNING' && status.kind === 'waiting') return lookAgain(ports, job);\n",
    to: '',
    by: 'play gated/exit0 launch:store.update#2=error-after launch:store.update#3=error-after',
  },
  {
    name: 'what runs too long is left to run',
    file: 'src/pipeline/complete.ts',
    from: "if (status.kind === 'running' && isOverdue(execution, askedAt)) {",
    to: "if (status.kind === 'running' && isOverdue(execution, 0)) {",
  },
];

export const fenceMutants: readonly Mutant[] = [...uids, ...relays];
