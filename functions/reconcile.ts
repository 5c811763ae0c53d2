import { log, onSchedule } from '../src/function.ts';
import { connectRounds } from '../src/google-cloud-cluster.ts';
import { inTurn } from '../src/pipeline/in-turn.ts';
import { reconcile, sweep } from '../src/pipeline/reconcile.ts';
import { retire } from '../src/pipeline/retention.ts';

const round = connectRounds(process.env, (error) => log.error('the namespace cannot be read', { error }));

onSchedule('reconcile', async () => {
  const own = await round();
  await inTurn(
    // What this takes away makes room for what the next rings for.
    () => sweep(own),
    () => reconcile(own),
    () => retire(own),
  );
});
