import { createHash } from 'node:crypto';
import type { Agent } from 'node:http';
import { Agent as HttpAgent } from 'node:http';
import { type RequestOptions, Agent as TlsAgent } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { UnavailableError } from '../../errors.ts';
import type { Access } from './api.ts';
import { readKubeconfig } from './kubeconfig-file.ts';

export interface KubeconfigOptions {
  /** File to read; without it `KUBECONFIG`, then `~/.kube/config`, then the service account of the pod we run in. */
  readonly kubeconfig?: string | undefined;
  /** Context of that file; without it the current one. */
  readonly context?: string | undefined;
  /** Connections at a time, for which requests wait; default: 50. */
  readonly maxConnections?: number | undefined;
}

export interface Kubeconfig {
  readonly access: Access;
  /** The context's namespace, if it names one. */
  readonly namespace: string | undefined;
}

/**
 * Reads a kubeconfig with everything users put there: tokens, certificates, sign-in plugins, proxies. Throws
 * UnavailableError with the fix when there is none, it cannot be read, or the context is unknown.
 */
export async function loadKubeconfig(options: KubeconfigOptions): Promise<Kubeconfig> {
  const config = await readKubeconfig(options.kubeconfig);
  const context = chooseContext(config, options.context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new UnavailableError(`the kubeconfig has no cluster for the context ${context}`);
  return {
    namespace: config.getContextObject(context)?.namespace,
    access: { server: cluster.server, credentials: credentialsOf(config, options.maxConnections) },
  };
}

function chooseContext(config: KubeConfig, wanted: string | undefined): string {
  const names = config.getContexts().map(({ name }) => name);
  // What the library falls back to when it found nothing at all.
  if (names.includes('loaded-context') && config.getCurrentCluster()?.server === 'http://localhost:8080') {
    throw new UnavailableError(
      'no kubeconfig found: set KUBECONFIG, name a file, or get one with "gcloud container clusters get-credentials CLUSTER"',
    );
  }
  const context = wanted ?? config.getCurrentContext();
  if (!names.includes(context)) {
    const which = wanted === undefined ? 'no current context' : `no context ${wanted}`;
    throw new UnavailableError(`the kubeconfig has ${which}; it has: ${names.join(', ') || 'none'}`);
  }
  config.setCurrentContext(context);
  return context;
}

/** Reuses one agent while the certificates stay the same, so that connections are; the library makes one per call. */
function credentialsOf(config: KubeConfig, maxConnections: number | undefined): Access['credentials'] {
  let known: { key: string; agent: Agent } | undefined;
  return async () => {
    const options: RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(options);
    } catch (error) {
      const user = config.getCurrentUser()?.name ?? 'of the context';
      const failure = `cannot sign in as the kubeconfig's user ${user}`;
      // Its message quotes the answer: a token, perhaps.
      if (error instanceof SyntaxError) {
        throw new UnavailableError(`${failure}: what its sign-in plugin answers is not JSON`);
      }
      throw new UnavailableError(`${failure}: ${messageOf(error)}`, { cause: error });
    }
    const headers = headersOf(options);
    const cluster = config.getCurrentCluster();
    if (cluster?.proxyUrl !== undefined && options.agent instanceof HttpAgent) return { headers, agent: options.agent };
    const key = fingerprint(options);
    if (known?.key !== key) known = { key, agent: agentFor(options, cluster?.server, maxConnections) };
    return { headers, agent: known.agent };
  };
}

/** Idle connections do not hold the process. The bound keeps a burst from opening a connection for each request. */
function agentFor(options: RequestOptions, server: string | undefined, maxSockets = 50): Agent {
  const connections = { keepAlive: true, maxSockets };
  if (server?.startsWith('http:')) return new HttpAgent(connections);
  const { ca, cert, key, passphrase, rejectUnauthorized, servername } = options;
  const given = Object.entries({ ca, cert, key, passphrase, rejectUnauthorized, servername });
  return new TlsAgent({ ...connections, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) });
}

function fingerprint({ ca, cert, key, rejectUnauthorized, servername }: RequestOptions): string {
  return createHash('sha256')
    .update(JSON.stringify([ca, cert, key, rejectUnauthorized, servername]))
    .digest('hex');
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]);
  const basic = auth ? { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  return { ...Object.fromEntries(given), ...basic };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
