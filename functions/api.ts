import { parseGoogleCloudConfig } from '../src/config.ts';
import { onError, onRequest } from '../src/function.ts';
import { googleClients, submitPorts } from '../src/google-cloud.ts';
import { httpApp } from '../src/http/app.ts';
import { localExecutor } from '../src/local-executor.ts';
import { once } from '../src/once.ts';

const clients = once(async () => googleClients(parseGoogleCloudConfig(process.env)));

onRequest('api', async () => {
  const google = await clients();
  return httpApp(localExecutor(await submitPorts(google), 'api'), {
    // A front end with a certificate of its own decides by which name it is reached.
    hosts: 'any',
    apiKey: google.config.apiKey,
    onError,
    closing: new AbortController().signal,
  });
});
