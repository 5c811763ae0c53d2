import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { type Identity, identities } from '../../src/sandbox/kubernetes/manifests.ts';
import { type Fault, startFaultProxy } from '../fault-proxy.ts';
import { kubeconfigOf } from '../sandbox/kubernetes/deployment.ts';

const kubeconfigSchema = z.object({
  clusters: z.tuple([
    z.object({ cluster: z.object({ server: z.string(), 'certificate-authority-data': z.string() }) }),
  ]),
  users: z.tuple([z.looseObject({ user: z.object({ token: z.string() }) })]),
});

export interface ProxyOptions {
  readonly next?: () => Fault | undefined;
  readonly before?: (name: Identity, request: string) => Promise<void> | void;
  readonly after?: (name: Identity, request: string) => Promise<void> | void;
}

/** Writes kubeconfigs that lead every identity to the API server through a proxy of its own. */
export async function proxiedKubeconfigs(directory: string, stack: AsyncDisposableStack, options: ProxyOptions) {
  const requests: string[] = [];
  const fileOf = (name: Identity) => join(directory, `${name}.json`);
  for (const name of identities) {
    const { clusters, users } = kubeconfigSchema.parse(parse(readFileSync(kubeconfigOf(name), 'utf8')));
    const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
    const tls = { ca: Buffer.from(ca, 'base64') };
    const proxy = stack.use(
      await startFaultProxy({
        target: server,
        tls,
        next: options.next ?? (() => undefined),
        before: (request) => {
          requests.push(`${name}: ${request}`);
          return options.before?.(name, request);
        },
        after: (request) => options.after?.(name, request),
      }),
    );
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
      clusters: [{ name: 'c', cluster: { server: proxy.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'c', user: users[0].user }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
    };
    writeFileSync(fileOf(name), JSON.stringify(config));
  }
  return { of: fileOf, requests };
}
