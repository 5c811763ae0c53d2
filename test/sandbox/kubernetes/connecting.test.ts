import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { UnavailableError } from '../../../src/errors.ts';
import { kubernetesApi } from '../../../src/sandbox/kubernetes/api.ts';
import { loadKubeconfig } from '../../../src/sandbox/kubernetes/kubeconfig.ts';
import { followLog } from '../../../src/sandbox/kubernetes/live-log.ts';
import { type KubernetesSandboxOptions, kubernetesSandbox } from '../../../src/sandbox/kubernetes/sandbox.ts';
import { type FakeApi, fakeApi, refuse, reply } from './fake-api.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});
afterAll(() => rm(directory, { recursive: true }));

const installation = { id: 'abcdefgh', secret: new Uint8Array() };

/** Writes a kubeconfig whose contexts `one` and `two` point to that server; the current one is `one`. */
async function kubeconfig(server: string, user: object = { token: 'secret-token' }, current = 'one'): Promise<string> {
  const file = join(directory, `${Math.random()}.yaml`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'u' } },
      { name: 'two', context: { cluster: 'c', user: 'u', namespace: 'of-two' } },
    ],
    'current-context': current,
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

describe('loadKubeconfig', () => {
  beforeEach(() => {
    vi.stubEnv('KUBECONFIG', undefined);
    vi.stubEnv('HOME', directory);
  });
  afterEach(() => vi.unstubAllEnvs());

  test('takes the current context, or the one that is asked for, with its namespace', async () => {
    const file = await kubeconfig('http://one:1');
    expect(await loadKubeconfig({ kubeconfig: file })).toMatchObject({
      namespace: undefined,
      access: { server: 'http://one:1' },
    });
    expect(await loadKubeconfig({ kubeconfig: file, context: 'two' })).toMatchObject({ namespace: 'of-two' });
  });

  test('reads KUBECONFIG when no file is named', async () => {
    vi.stubEnv('KUBECONFIG', await kubeconfig('http://two:2'));
    expect(await loadKubeconfig({})).toMatchObject({ access: { server: 'http://two:2' } });
  });

  test('lets as many follow a log as want to, where connections are not to be bounded', async () => {
    await using server = await fakeApi((_, response) => void response.writeHead(200).write('\n'));
    const file = await kubeconfig(server.api.server);
    const { access } = await loadKubeconfig({ kubeconfig: file, maxConnections: Number.POSITIVE_INFINITY });
    const api = kubernetesApi(access);
    const over = new AbortController();
    const caps = { maxStdoutBytes: 1, maxStderrBytes: 1, maxOutputFileBytes: 1 };
    const following = Array.from({ length: 60 }, async () => {
      const log = followLog({ api, namespace: 'n', pod: 'p', caps, signal: over.signal });
      await log.next();
    });
    await expect.poll(() => server.asked.length).toBe(60);
    over.abort();
    await Promise.allSettled(following);
    api.close();
  });

  test('sends the token, and reuses one agent for it', async () => {
    const { access } = await loadKubeconfig({ kubeconfig: await kubeconfig('http://one:1') });
    const [first, second] = [await access.credentials(), await access.credentials()];
    expect(first.headers).toEqual({ Authorization: 'Bearer secret-token' });
    expect(second.agent).toBe(first.agent);
  });

  test('sends user name and password', async () => {
    const user = { username: 'me', password: 'pass' };
    const { access } = await loadKubeconfig({ kubeconfig: await kubeconfig('http://one:1', user) });
    const basic = `Basic ${Buffer.from('me:pass').toString('base64')}`;
    expect((await access.credentials()).headers).toEqual({ Authorization: basic });
  });

  const plugin = (script: string) => ({
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: ['-e', script] },
  });

  test('asks a sign-in plugin, once for all requests', async () => {
    const script = `console.log(JSON.stringify({ status: { token: 'from-' + process.pid } }))`;
    const { access } = await loadKubeconfig({ kubeconfig: await kubeconfig('http://one:1', plugin(script)) });
    const { headers } = await access.credentials();
    expect(headers['Authorization']).toMatch(/^Bearer from-\d+$/);
    expect((await access.credentials()).headers).toEqual(headers);
  });

  const unavailable = (file: string, context?: string) =>
    expect(loadKubeconfig({ kubeconfig: file, context }).then(({ access }) => access.credentials())).rejects;

  test('says what went wrong when it cannot', async () => {
    const broken = plugin('process.stderr.write("sign in first"); process.exit(1)');
    await unavailable(await kubeconfig('http://one:1', broken)).toThrow(
      /cannot sign in as the kubeconfig's user u: sign in first/,
    );
    await unavailable(join(directory, 'nowhere')).toThrow(/cannot read the kubeconfig .*nowhere: ENOENT/);
    await unavailable(await kubeconfig('http://one:1'), 'three').toThrow('has no context three; it has: one, two');
    await unavailable(await kubeconfig('http://one:1', {}, '')).toThrow('has no current context; it has: one, two');
    await unavailable(await kubeconfig('http://one:1'), 'three').toThrow(UnavailableError);
  });

  test('says where to get a kubeconfig when there is none', async () => {
    await expect(loadKubeconfig({})).rejects.toThrow('no kubeconfig found: set KUBECONFIG');
  });
});

describe('kubernetesSandbox', () => {
  interface Cluster {
    readonly namespace?: [number, string, object];
    readonly rules?: object;
    readonly allowed?: (verb: string, resource: string) => boolean;
    readonly runtimeClass?: number;
  }
  const everything = {
    resourceRules: [
      { verbs: ['*'], apiGroups: ['batch'], resources: ['jobs'] },
      { verbs: ['*'], apiGroups: [''], resources: ['*'] },
    ],
  };
  const found = { metadata: { name: 'ns', uid: 'ns-uid', creationTimestamp: '2026-01-01T00:00:00Z' } };

  const isAllowed = ({ allowed }: Cluster, body: string) => {
    const { verb, resource, subresource } = JSON.parse(body).spec.resourceAttributes;
    return allowed?.(verb, subresource === undefined ? resource : `${resource}/${subresource}`) ?? false;
  };
  const cluster = (of: Cluster) =>
    fakeApi(({ path, body }, response) => {
      const [code, reason, object] = of.namespace ?? [200, '', found];
      switch (path.split('/').at(-1)) {
        case 'selfsubjectrulesreviews':
          return reply(response, 201, { status: of.rules ?? everything });
        case 'selfsubjectaccessreviews':
          return reply(response, 201, { status: { allowed: isAllowed(of, body) } });
        case 'selfsubjectreviews':
          return reply(response, 201, { status: { userInfo: { username: 'me@example.com' } } });
        case 'gvisor':
          return reply(response, of.runtimeClass ?? 200, {});
        default:
          return code === 200 ? reply(response, 200, object) : refuse(response, code, reason);
      }
    });
  const open = async (fake: FakeApi, options: Partial<KubernetesSandboxOptions> = {}) =>
    kubernetesSandbox({ kubeconfig: await kubeconfig(fake.api.server), namespace: 'ns', installation, ...options });

  test('names its target after the uid of the namespace', async () => {
    await using fake = await cluster({});
    const sandbox = await open(fake);
    expect([sandbox.kind, sandbox.isolation, sandbox.target]).toEqual(['kubernetes', 'gvisor', 'kubernetes:ns-uid']);
    expect(fake.asked).toHaveLength(3);
    await sandbox.close();
  });

  test('takes the namespace of the context, then default', async () => {
    await using fake = await cluster({});
    await (await open(fake, { namespace: undefined, context: 'two' })).close();
    await (await open(fake, { namespace: undefined })).close();
    const paths = fake.asked.map(({ path }) => path).filter((path) => path.startsWith('/api/v1/namespaces/'));
    expect(paths).toEqual(['/api/v1/namespaces/of-two', '/api/v1/namespaces/default']);
  });

  test('does not need to see the RuntimeClass', async () => {
    await using fake = await cluster({ runtimeClass: 403 });
    await (await open(fake)).close();
  });

  test.each<[string, Cluster, RegExp]>([
    ['no namespace', { namespace: [404, 'NotFound', {}] }, /no namespace ns: .*kubectl create namespace ns/],
    [
      'a namespace that goes',
      { namespace: [200, '', { metadata: { ...found.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }] },
      /is being deleted/,
    ],
    ['bad credentials', { namespace: [401, 'Unauthorized', {}] }, /does not accept the credentials/],
    [
      'no RuntimeClass',
      { runtimeClass: 404 },
      /no RuntimeClass gvisor.*gcloud container node-pools create.*minikube addons enable gvisor/,
    ],
    [
      'missing rights',
      { rules: { resourceRules: [{ verbs: ['get', 'list'], apiGroups: ['batch', ''], resources: ['jobs', 'pods'] }] } },
      /^the user me@example\.com lacks rights in the namespace ns: create,watch,delete jobs\.batch; create,get configmaps; watch pods; get pods\/log; list events\. /,
    ],
    [
      'rights to single objects only',
      { rules: { resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: ['one'] }] } },
      /lacks rights .*create,get,list,watch,delete jobs\.batch/,
    ],
    [
      'rights that an authorizer cannot list and does not give',
      { rules: { incomplete: true }, allowed: (verb, resource) => !(verb === 'get' && resource === 'pods/log') },
      /lacks rights in the namespace ns: get pods\/log\. /,
    ],
  ])('says what is missing and how to get it: %s', async (_what, missing, message) => {
    await using fake = await cluster(missing);
    const error = await open(fake).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(String(error)).toMatch(new RegExp(message.source.replace(/^\^/, '^UnavailableError: ')));
  });

  test('asks one by one for rights that an authorizer cannot list', async () => {
    await using fake = await cluster({ rules: { incomplete: true }, allowed: () => true });
    await (await open(fake)).close();
    expect(fake.asked.filter(({ path }) => path.endsWith('selfsubjectaccessreviews'))).toHaveLength(12);
  });

  test('says that the cluster cannot be reached', async () => {
    const nowhere = await kubeconfig('http://127.0.0.1:1');
    await expect(kubernetesSandbox({ kubeconfig: nowhere, installation })).rejects.toThrow(/cannot reach the cluster/);
  });

  test('refuses a name that no namespace can have', async () => {
    await using fake = await cluster({});
    await expect(open(fake, { namespace: 'a/../b' })).rejects.toThrow('"a/../b" cannot be a namespace');
    expect(fake.asked).toEqual([]);
  });
});
