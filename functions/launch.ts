import { onBell } from '../src/function.ts';
import { pipelinePorts } from '../src/google-cloud-cluster.ts';
import { once } from '../src/once.ts';
import { launcher } from '../src/pipeline/launcher.ts';

const ports = pipelinePorts(process.env);
// Kept for the instance's life, so that bells that ring together are joined.
const launching = once(async () => launcher(await ports()));

onBell('launch', async (bell) => (await launching())(bell));
