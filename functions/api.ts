import { parseGoogleCloudConfig } from '../src/config.ts';
import { log, onRequest } from '../src/function.ts';
import { submittingExecutor } from '../src/google-cloud-executor.ts';
import { httpApp } from '../src/http/app.ts';

onRequest('api', async () => {
  const config = parseGoogleCloudConfig(process.env);
  const { executor } = await submittingExecutor({
    ...config,
    caller: 'api',
    onError: (error) => log.error('a bell was not rung', { error }),
  });
  return httpApp(executor, {
    // A front end with a certificate of its own decides by which name it is reached.
    hosts: 'any',
    apiKey: config.apiKey,
    onError: (error) => log.error('cannot answer', { error }),
    closing: new AbortController().signal,
  });
});
