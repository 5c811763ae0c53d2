import { onBell } from '../src/function.ts';
import { pipelinePorts } from '../src/google-cloud-cluster.ts';
import { launch, resume } from '../src/pipeline/launch.ts';

const ports = pipelinePorts(process.env);

onBell('launch', async ({ executionId }) => {
  await resume(await ports(), executionId);
  await launch(await ports());
});
