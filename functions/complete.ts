import { parseClusterConfig, parseGoogleCloudConfig } from '../src/config.ts';
import { onBell, once } from '../src/function.ts';
import { pipelinePorts } from '../src/google-cloud-cluster.ts';
import { complete } from '../src/pipeline/complete.ts';

const ports = once(() => pipelinePorts(parseGoogleCloudConfig(process.env), parseClusterConfig(process.env)));

onBell('complete', async ({ executionId }) => complete(await ports(), executionId));
