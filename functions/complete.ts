import { onBell } from '../src/function.ts';
import { pipelinePorts } from '../src/google-cloud-cluster.ts';
import { complete } from '../src/pipeline/complete.ts';

const ports = pipelinePorts(process.env);

onBell('complete', async ({ executionId }) => complete(await ports(), executionId));
