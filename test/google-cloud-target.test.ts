import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Firestore } from '@google-cloud/firestore';
import { PubSub } from '@google-cloud/pubsub';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { subscribedTopics } from '../src/bus/subscribers.ts';
import { googleClients } from '../src/google-cloud.ts';
import { connectCluster, connectRounds } from '../src/google-cloud-cluster.ts';
import { submittingExecutor } from '../src/google-cloud-executor.ts';
import { readInstallation, writeTarget } from '../src/store/firestore/installation.ts';
import { firestoreStore } from '../src/store/firestore.ts';
import { describeEmulator } from './emulators.ts';
import { fakeApi, refuse, reply } from './sandbox/kubernetes/fake-api.ts';

const request = { language: 'python', code: 'print(1)' };
const onError = (error: unknown) => {
  throw error;
};

describeEmulator('firestore', 'the target of an installation, on Firestore', (firestoreEmulator) => {
  describeEmulator('pubsub', 'and Pub/Sub', (pubsubEmulator) => {
    let directory: string;
    let projectId: string;
    let firestore: Firestore;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
      vi.stubEnv('FIRESTORE_EMULATOR_HOST', await firestoreEmulator());
      vi.stubEnv('PUBSUB_EMULATOR_HOST', await pubsubEmulator());
    });
    afterAll(async () => {
      vi.unstubAllEnvs();
      await rm(directory, { recursive: true });
    });
    beforeEach(async () => {
      projectId = `test-${randomUUID()}`;
      firestore = new Firestore({ projectId });
      const pubsub = new PubSub({ projectId });
      for (const name of subscribedTopics) await pubsub.createTopic(name);
      await pubsub.close();
      return () => firestore.terminate();
    });

    const written = async () => (await readInstallation(firestore)).target;
    const targets = async () => {
      const { executions } = await firestoreStore({ firestore });
      const { items } = await executions.query({ equal: {}, direction: 'descending', limit: 10 });
      return items.map(({ target }) => target);
    };

    /** A cluster that knows the uid of its namespace, and its kubeconfig. */
    const cluster = async () => {
      const namespace = { uid: 'first', isReadable: true };
      const fake = await fakeApi((_, response) => {
        if (!namespace.isReadable) return refuse(response, 500, 'InternalError', 'etcd is away');
        const metadata = { name: 'ns', uid: namespace.uid, creationTimestamp: '2026-01-01T00:00:00Z' };
        reply(response, 200, { metadata });
      });
      onTestFinished(() => fake[Symbol.asyncDispose]());
      const kubeconfig = join(directory, randomUUID());
      const one = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster: { server: fake.url, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'u', user: { token: 't' } }],
        contexts: [{ name: 'one', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'one',
      };
      await writeFile(kubeconfig, JSON.stringify(one));
      return { namespace, env: { GOOGLE_CLOUD_PROJECT: projectId, NAMESPACE: 'ns', KUBECONFIG: kubeconfig } };
    };

    test('is read anew by an api that is warm, after half a minute', async () => {
      await firestoreStore({ firestore });
      await writeTarget(firestore, 'kubernetes:old');
      const none = { databaseId: '(default)', topicPrefix: '', apiKey: undefined, ingestCaller: 'pubsub', images: [] };
      const clients = googleClients({ projectId, ...none });
      let now = Date.now();
      const { executor } = await submittingExecutor(clients, { caller: 'api', onError, now: () => now });
      await executor.submit(request, {});
      await writeTarget(firestore, 'kubernetes:new');
      now += 29_000;
      await executor.submit(request, {});
      now += 1_000;
      await executor.submit(request, {});
      expect((await targets()).sort()).toEqual(['kubernetes:new', 'kubernetes:old', 'kubernetes:old']);
    });

    test('is written by the reconciler alone, in each round, also when the namespace was replaced meanwhile', async () => {
      const { namespace, env } = await cluster();
      await connectCluster(env)();
      expect(await written()).toBeUndefined();
      const round = connectRounds(env, onError);
      const first = await round();
      expect([first.sandbox.target, await written()]).toEqual(['kubernetes:first', 'kubernetes:first']);
      expect((await round()).sandbox).toBe(first.sandbox);
      namespace.uid = 'second';
      expect([(await round()).sandbox.target, await written()]).toEqual(['kubernetes:second', 'kubernetes:second']);
      await writeTarget(firestore, 'kubernetes:astray');
      await round();
      expect(await written()).toBe('kubernetes:second');
    });

    test('stays that of the round before while the cluster does not answer: deadlines need only the store', async () => {
      const { namespace, env } = await cluster();
      const errors: unknown[] = [];
      const round = connectRounds(env, (error) => errors.push(error));
      namespace.isReadable = false;
      await expect(round()).rejects.toThrow('read the namespace');
      namespace.isReadable = true;
      const first = await round();
      namespace.isReadable = false;
      expect((await round()).sandbox).toBe(first.sandbox);
      expect(errors).toHaveLength(1);
    });
  });
});
