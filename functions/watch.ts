import { parseClusterConfig, parseGoogleCloudConfig } from '../src/config.ts';
import { log, onBell, once } from '../src/function.ts';
import { pipelinePorts } from '../src/google-cloud-cluster.ts';
import { relay } from '../src/pipeline/relay.ts';

const ports = once(() => pipelinePorts(parseGoogleCloudConfig(process.env), parseClusterConfig(process.env)));

onBell('watch', async () => relay(await ports(), (error) => log.warning('an observation was not relayed', { error })));
