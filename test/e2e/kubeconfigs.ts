import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { FunctionName } from '../../scripts/local-cloud.ts';
import { identities } from '../../src/sandbox/kubernetes/manifests.ts';
import { type Fault, startFaultProxy } from '../fault-proxy.ts';
import { kubeconfigOf } from './cloud.ts';

const kubeconfigSchema = z.object({
  clusters: z.tuple([
    z.object({ cluster: z.object({ server: z.string(), 'certificate-authority-data': z.string() }) }),
  ]),
  users: z.tuple([z.looseObject({ user: z.object({ token: z.string() }) })]),
});

/** Writes kubeconfigs that lead every identity to the API server through a proxy of its own. */
export async function proxiedKubeconfigs(
  directory: string,
  next: () => Fault | undefined,
  stack: AsyncDisposableStack,
) {
  const requests: string[] = [];
  const fileOf = (name: FunctionName) => join(directory, `${name}.json`);
  for (const name of identities) {
    const { clusters, users } = kubeconfigSchema.parse(parse(readFileSync(kubeconfigOf(name), 'utf8')));
    const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
    const tls = { ca: Buffer.from(ca, 'base64') };
    const onRequest = (what: string) => void requests.push(`${name}: ${what}`);
    const proxy = stack.use(await startFaultProxy({ target: server, tls, next, onRequest }));
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
