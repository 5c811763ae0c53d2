import { setTimeout as sleep } from 'node:timers/promises';
import { judge } from './judge.ts';
import type { Place } from './place.ts';
import { failed } from './program.ts';
import { clean } from './trial.ts';

const patienceSeconds = 60;

/** A judge who is content with a wrong expectation would be content with everything. */
export async function noticeWhatIsWrong(place: Place): Promise<void> {
  const seen = await place.run(clean.of('python'), patienceSeconds);
  if (judge(clean.expected, seen).length > 0) throw new Error('a clean program does not even run');
  if (judge({ ...clean.expected, endings: failed(3) }, seen).length === 0) throw new Error('the judge notices nothing');
}

/** A look for what is left must find what belongs to a program while it runs. */
export async function noticeWhatIsThere(
  place: Place,
  look: () => Promise<readonly string[]> | readonly string[],
): Promise<void> {
  const running = place.run({ language: 'python', code: 'import time\ntime.sleep(2)' }, patienceSeconds);
  const over = running.then(() => true);
  let found = false;
  do {
    found ||= (await look()).length > 0;
  } while (!(await Promise.race([over, sleep(200, false)])));
  if (!found) throw new Error(`nothing is found of a program that runs: ${look}`);
}
