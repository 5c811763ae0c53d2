import { parseClusterConfig, parseGoogleCloudConfig } from '../src/config.ts';
import { onBell, once } from '../src/function.ts';
import { pipelinePorts } from '../src/google-cloud-cluster.ts';
import { launch, resume } from '../src/pipeline/launch.ts';

const ports = once(() => pipelinePorts(parseGoogleCloudConfig(process.env), parseClusterConfig(process.env)));

onBell('launch', async ({ executionId }) => {
  await resume(await ports(), executionId);
  await launch(await ports());
});
