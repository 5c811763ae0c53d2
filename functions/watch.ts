import { log, onBell } from '../src/function.ts';
import { pipelinePorts } from '../src/google-cloud-cluster.ts';
import { relay } from '../src/pipeline/relay.ts';

const ports = pipelinePorts(process.env);

// It relays for everybody, and longer than most executions last: that belongs to no single one's trace.
const work = async () =>
  relay(await ports(), (error) => log.warning('what happens in the cluster was not seen, or not passed on', { error }));
onBell('watch', work, { root: true });
