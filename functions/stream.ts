import { onError, onRequest } from '../src/function.ts';
import { connectCluster } from '../src/google-cloud-cluster.ts';
import { streamApp } from '../src/http/stream-app.ts';
import { followLog } from '../src/sandbox/kubernetes/live-log.ts';

/** Each caller holds a connection for as long as the program runs; how many may call at a time is the platform's to say. */
const unbounded = { maxConnections: Number.POSITIVE_INFINITY };

const connected = connectCluster(process.env, unbounded);

onRequest('stream', async () => {
  const { config, ports, api, namespace } = await connected();
  return streamApp({
    store: ports.store,
    follow: ({ pod, request: caps }, signal) =>
      pod === undefined ? [] : followLog({ api, namespace, pod, caps, signal }),
    // A front end with a certificate of its own decides by which name it is reached.
    hosts: 'any',
    apiKey: config.apiKey,
    onError,
  });
});
