import { parseGoogleCloudConfig } from '../src/config.ts';
import { log, onRequest } from '../src/function.ts';
import { submitPorts } from '../src/google-cloud.ts';
import { httpApp } from '../src/http/app.ts';
import { localExecutor } from '../src/local-executor.ts';

onRequest('api', async () => {
  const config = parseGoogleCloudConfig(process.env);
  return httpApp(localExecutor(await submitPorts(config), 'api'), {
    // A front end with a certificate of its own decides by which name it is reached.
    hosts: 'any',
    apiKey: config.apiKey,
    onError: (error) => log.error('cannot answer', { error }),
    closing: new AbortController().signal,
  });
});
