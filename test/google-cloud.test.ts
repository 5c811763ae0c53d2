import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Firestore } from '@google-cloud/firestore';
import { expect, onTestFinished, test, vi } from 'vitest';
import { commonPorts, googleClients } from '../src/google-cloud.ts';
import { connectCluster } from '../src/google-cloud-cluster.ts';
import { describeEmulator } from './emulators.ts';
import { fakeApi, refuse, reply } from './sandbox/kubernetes/fake-api.ts';

/** Every connection that this process opens during the test, as `host:port`. */
function openedConnections(): readonly string[] {
  const opened: string[] = [];
  const hear = (message: unknown) => {
    const socket = typeof message === 'object' && message !== null && 'socket' in message ? message.socket : undefined;
    if (!(socket instanceof Socket)) return;
    socket.once('connect', () => opened.push(`${socket.remoteAddress}:${socket.remotePort}`));
  };
  subscribe('net.client.socket', hear);
  onTestFinished(() => void unsubscribe('net.client.socket', hear));
  return opened;
}

function kubeconfig(server: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(join(directory, 'config'), JSON.stringify(config));
  return join(directory, 'config');
}

describeEmulator('firestore', 'a function with a cluster', (emulator) => {
  test('that could not start tries again over the connections that it has', async () => {
    const host = await emulator();
    vi.stubEnv('FIRESTORE_EMULATOR_HOST', host);
    onTestFinished(() => void vi.unstubAllEnvs());
    let asked = 0;
    await using api = await fakeApi((_, response) => {
      if (++asked < 4) refuse(response, 500, 'InternalError');
      else reply(response, 200, { metadata: { name: 'n', uid: 'uid-1', creationTimestamp: '2026-01-01T00:00:00Z' } });
    });
    const opened = openedConnections();
    const connect = connectCluster({
      GOOGLE_CLOUD_PROJECT: `test-${randomUUID()}`,
      NAMESPACE: 'n',
      KUBECONFIG: kubeconfig(api.api.server),
    });
    for (let failed = 0; failed < 3; failed++) await expect(connect()).rejects.toThrow('InternalError');
    expect((await connect()).ports.sandbox.target).toContain('uid-1');
    expect(opened.toSorted()).toEqual([host, new URL(api.api.server).host].toSorted());
  });

  test('logs an execution that it cannot read, and finds the others', async () => {
    vi.stubEnv('FIRESTORE_EMULATOR_HOST', await emulator());
    onTestFinished(() => void vi.unstubAllEnvs());
    const projectId = `test-${randomUUID()}`;
    const firestore = new Firestore({ projectId });
    onTestFinished(() => firestore.terminate());
    await firestore.doc('executions/strange').set({ order: 1, by: {}, item: '{"state":"HIBERNATING"}' });
    const none = { databaseId: '(default)', topicPrefix: '', apiKey: undefined, ingestCaller: 'pubsub', images: [] };
    const { ports } = await commonPorts(googleClients({ projectId, ...none }));
    const lines: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
    onTestFinished(() => write.mockRestore());
    const query = { equal: {}, direction: 'descending', limit: 1 } as const;
    expect(await ports.store.executions.query(query)).toEqual({ items: [], next: null });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ severity: 'ERROR', error: expect.stringContaining('executions/strange') }),
    ]);
  });
});
