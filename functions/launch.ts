import { parseClusterConfig, parseGoogleCloudConfig } from '../src/config.ts';
import { onBell, once } from '../src/function.ts';
import { pipelinePorts } from '../src/google-cloud-cluster.ts';
import { launcher } from '../src/pipeline/launcher.ts';

// Kept for the instance's life, so that bells that ring together are joined.
const launching = once(async () =>
  launcher(await pipelinePorts(parseGoogleCloudConfig(process.env), parseClusterConfig(process.env))),
);

onBell('launch', async (bell) => (await launching())(bell));
