import { kubectl, type Namespace } from '../cluster.ts';
import { judge, showSeen } from './judge.ts';
import { openPlace, type Place } from './place.ts';
import { defaults } from './program.ts';
import { expectedCell, type Report } from './report.ts';
import { clean } from './trial.ts';

const requests = 500;
/** Jobs at a time of the tenant who asks for so many. */
export const crowdQuota = 2;

/** Five hundred endless loops of one tenant must not be in the way of another, and must all end. */
export async function tryCrowd(crowded: Namespace, quiet: Namespace, report: Report): Promise<void> {
  await using crowd = await openPlace({ sandbox: 'kubernetes', namespace: crowded.name });
  await using neighbour = await openPlace({ sandbox: 'kubernetes', namespace: quiet.name });
  const ids = await submitAll(crowd);
  const seen = await neighbour.run(clean.of('python'), 60);
  const jobs = (await kubectl('get', 'jobs', '-n', crowded.name, '-o', 'name')).split('\n').filter(Boolean);
  const open = await cancelAll(crowd, ids);
  report.add({
    name: `${requests} endless loops of one tenant, and a request of another`,
    sandbox: 'kubernetes',
    expected: expectedCell(clean.expected),
    got: showSeen(seen),
    seconds: seen.seconds,
    problems: [
      ...judge(clean.expected, seen),
      ...(jobs.length > crowdQuota ? [`${jobs.length} Jobs, with a quota of ${crowdQuota}`] : []),
      ...(open.length > 0 ? [`${open.length} have no ending`] : []),
    ],
  });
}

async function submitAll({ executor }: Place): Promise<readonly string[]> {
  const body = {
    language: 'python',
    code: 'while True: pass',
    ...defaults,
    cpuLimitMillicores: 200,
    timeoutSeconds: 60,
  };
  const submitted = await Promise.all(Array.from({ length: requests }, () => executor.submit(body, {})));
  return submitted.map(({ execution }) => execution.id);
}

/** Ids of those that are not cancelled in the end. */
async function cancelAll({ executor }: Place, ids: readonly string[]): Promise<readonly string[]> {
  for (const id of ids) await executor.cancel(id);
  const ended = await Promise.all(ids.map((id) => executor.wait(id, 30)));
  return ids.filter((_, index) => ended[index]?.state !== 'CANCELLED');
}
