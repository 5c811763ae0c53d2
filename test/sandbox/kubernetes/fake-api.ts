import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Api, kubernetesApi } from '../../../src/sandbox/kubernetes/api.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

type Handler = (asked: Asked, response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

export interface FakeApi extends AsyncDisposable {
  readonly api: Api;
  readonly url: string;
  /** Every request so far, as `METHOD /path`. */
  readonly asked: readonly Asked[];
}

/** An API server that says what the test wants, on a socket of its own. */
export async function fakeApi(handler: Handler): Promise<FakeApi> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake');
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const question = { method: request.method ?? '', path: pathname, query: searchParams, body };
    asked.push(question);
    await handler(question, response, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const agent = new Agent({ keepAlive: true });
  const url = `http://127.0.0.1:${port}`;
  const api = kubernetesApi({ server: url, credentials: async () => ({ headers: {}, agent }) });
  return {
    api,
    url,
    asked,
    [Symbol.asyncDispose]: async () => {
      api.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

export function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** What the API server says instead of an object. */
export function refuse(response: ServerResponse, code: number, reason: string, message: string = reason): void {
  reply(response, code, { kind: 'Status', status: 'Failure', code, reason, message });
}

export function list(items: readonly unknown[], resourceVersion = '1', next = '') {
  return { metadata: { resourceVersion, continue: next }, items };
}

const metadata = (fields: object) => ({ creationTimestamp: '2026-01-01T00:00:00Z', ...fields });

/** A Job as the API server returns it, with only what is read of it. */
export function job(
  name: string,
  uid: string,
  fields: { metadata?: object; configMap?: string; status?: object } = {},
) {
  const volumes = [{ configMap: { name: fields.configMap ?? `${name}-nonce` } }];
  return {
    metadata: metadata({ name, uid, ...fields.metadata }),
    spec: { template: { spec: { volumes } } },
    status: fields.status ?? {},
  };
}

/** A Pod of that Job. */
export function pod(
  uid: string,
  jobUid: string,
  status: object,
  labels: Record<string, string> = {},
  more: object = {},
) {
  return {
    metadata: metadata({
      name: `pod-${uid}`,
      uid,
      labels: { 'batch.kubernetes.io/controller-uid': jobUid, ...labels },
      ownerReferences: [{ uid: jobUid }],
      resourceVersion: '1',
      ...more,
    }),
    status,
  };
}
