import { onSchedule } from '../src/function.ts';
import { pipelinePorts } from '../src/google-cloud-cluster.ts';
import { reconcile, sweep } from '../src/pipeline/reconcile.ts';
import { retire } from '../src/pipeline/retention.ts';

const ports = pipelinePorts(process.env);

onSchedule('reconcile', async () => {
  await reconcile(await ports());
  await sweep(await ports());
  await retire(await ports());
});
