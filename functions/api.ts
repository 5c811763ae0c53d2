import { parseGoogleCloudConfig } from '../src/config.ts';
import { log, onError, onRequest } from '../src/function.ts';
import { googleClients } from '../src/google-cloud.ts';
import { submittingExecutor } from '../src/google-cloud-executor.ts';
import { httpApp } from '../src/http/app.ts';
import { once } from '../src/once.ts';

const clients = once(async () => googleClients(parseGoogleCloudConfig(process.env)));

onRequest('api', async () => {
  const google = await clients();
  const { executor } = await submittingExecutor(google, {
    caller: 'api',
    onError: (error) => log.error('a bell was not rung', { error }),
  });
  return httpApp(executor, {
    // A front end with a certificate of its own decides by which name it is reached.
    hosts: 'any',
    apiKey: google.config.apiKey,
    onError,
    closing: new AbortController().signal,
  });
});
