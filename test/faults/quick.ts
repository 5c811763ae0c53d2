import { type Job, races, randoms, singles, undisturbed } from './jobs.ts';
import { mutants } from './mutants.ts';
import { noticed } from './plant.ts';
import { work } from './work.ts';

const [name] = process.argv.slice(2);

/** Runs the part of the suite that is enough to notice every known mistake, and ends at the first violation. */
for (const { jobs, share } of parts()) {
  for (const job of jobs) {
    const { failures } = await work(job, { mostFailures: 1, shrinks: false, share });
    for (const { invariant, message, replay } of failures)
      console.log(`${invariant}: ${message.slice(0, 200)}\n  ${replay}`);
    if (failures.length > 0) process.exit(noticed);
  }
}

function parts(): { readonly jobs: readonly Job[]; readonly share: number }[] {
  const by = mutants.find((mutant) => mutant.name === name)?.by;
  return [
    { jobs: [{ kind: 'schedules', texts: by === undefined ? [] : [by] }], share: 1 },
    { jobs: undisturbed(), share: 1 },
    { jobs: races(), share: 0.1 },
    { jobs: singles(), share: 0.03 },
    { jobs: randoms(50), share: 1 },
  ];
}
