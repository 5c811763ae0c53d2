import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Firestore } from '@google-cloud/firestore';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { PubSub, type Message as PubsubMessage } from '@google-cloud/pubsub';
import { beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { deadLetterTopic, subscribedTopics } from '../../src/bus/subscribers.ts';
import { dayMs, retention } from '../../src/execution/limits.ts';
import { cancel } from '../../src/pipeline/cancel.ts';
import { remove } from '../../src/pipeline/retention.ts';
import type { Store } from '../../src/store/executions.ts';
import { writeTarget } from '../../src/store/firestore/installation.ts';
import { firestoreStore } from '../../src/store/firestore.ts';
import { describeEmulator } from '../emulators.ts';

const request = { language: 'python', code: 'print(1)' };
const everything = { equal: {}, direction: 'descending', limit: 100 } as const;

describeEmulator('firestore', 'ingest, on Firestore', (firestoreEmulator) => {
  describeEmulator('pubsub', 'and Pub/Sub', (pubsubEmulator) => {
    const projectId = `test-${randomUUID()}`;
    let store: Store;
    let url: string;
    const dead: PubsubMessage[] = [];

    beforeAll(async () => {
      const [firestoreHost, pubsubHost] = [await firestoreEmulator(), await pubsubEmulator()];
      const firestore = new Firestore({ projectId, host: firestoreHost, ssl: false });
      const pubsub = new PubSub({ projectId, apiEndpoint: pubsubHost, emulatorMode: true });
      store = await firestoreStore({ firestore });
      await writeTarget(firestore, 'kubernetes:test');
      for (const name of subscribedTopics) await pubsub.createTopic(name);
      const [topic] = await pubsub.createTopic(deadLetterTopic('executions'));
      const [subscription] = await topic.createSubscription('kept');
      subscription.on('message', (message: PubsubMessage) => {
        dead.push(message);
        message.ack();
      });
      vi.stubEnv('GOOGLE_CLOUD_PROJECT', projectId);
      vi.stubEnv('FIRESTORE_EMULATOR_HOST', firestoreHost);
      vi.stubEnv('PUBSUB_EMULATOR_HOST', pubsubHost);
      await import('../../functions/ingest.ts');
      const server = getTestServer('ingest').listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('not listening');
      url = `http://127.0.0.1:${address.port}/`;
      return async () => {
        server.close();
        await Promise.all([subscription.close(), firestore.terminate()]);
        await pubsub.close();
        vi.unstubAllEnvs();
      };
    });
    beforeEach(() => void dead.splice(0));

    const push = async (messageId: string, publishTime: number, content: unknown = request, attributes = {}) => {
      const data = Buffer.from(JSON.stringify(content)).toString('base64');
      const message = { data, attributes, messageId, publishTime: new Date(publishTime).toISOString() };
      const headers = { 'Content-Type': 'application/json' };
      return (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ message }) })).status;
    };
    const recorded = async () => (await store.executions.query(everything)).items.map(({ id }) => id);

    test('sets a message aside whose execution was deleted, and does not run it again', async () => {
      expect(await push('1', Date.now())).toBe(204);
      const [id = ''] = await recorded();
      const ports = { store, clock: { now: Date.now } };
      await cancel({ ...ports, bus: { publish: async () => {}, subscribe: () => {} } }, id);
      await remove(ports, id);
      expect(await push('1', Date.now())).toBe(204);
      await vi.waitFor(() => expect(dead).toHaveLength(1), { timeout: 20_000 });
      expect(dead[0]?.attributes).toMatchObject({ reason: `execution ${id} was deleted`, originalMessageId: '1' });
      expect(await recorded()).toEqual([]);
    });

    test('sets a message aside that has as many attributes as a message may have', async () => {
      const attributes = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`own-${n}`, 'x']));
      expect(await push('3', Date.now(), { language: 'cobol' }, attributes)).toBe(204);
      await vi.waitFor(() => expect(dead).toHaveLength(1), { timeout: 20_000 });
      expect(Object.keys(dead[0]?.attributes ?? {})).toHaveLength(100);
      expect(dead[0]?.attributes).toMatchObject({
        originalMessageId: '3',
        reason: expect.stringContaining('language'),
      });
    });

    test('sets a message aside that has half characters in its attributes', async () => {
      expect(await push('5\ud800', Date.now(), { language: 'cobol' }, { 'own\ud800': 'a\udc00b' })).toBe(204);
      await vi.waitFor(() => expect(dead).toHaveLength(1), { timeout: 20_000 });
      expect(dead[0]?.attributes).toMatchObject({
        'own\ufffd': 'a\ufffdb',
        originalMessageId: '5\ufffd',
        reason: expect.stringContaining('language'),
      });
    });

    test('sets a message aside that has everything wrong, and keeps and logs the beginning of the reason', async () => {
      const lines: string[] = [];
      const write = vi.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
      onTestFinished(() => write.mockRestore());
      const unknown = Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`no-such-field-${n}`, n]));
      expect(await push('4', Date.now(), unknown)).toBe(204);
      await vi.waitFor(() => expect(dead).toHaveLength(1), { timeout: 20_000 });
      expect(dead[0]?.attributes['reason']?.length).toBe(1024);
      expect(lines.filter((line) => line.includes('message 4 is dropped'))).toHaveLength(1);
      expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(2_000);
    });

    test('sets a message aside that is older than any tombstone', async () => {
      const long = retention.tombstoneDays * dayMs;
      expect(await push('2', Date.now() - long)).toBe(204);
      await vi.waitFor(() => expect(dead).toHaveLength(1), { timeout: 20_000 });
      expect(dead[0]?.attributes['reason']).toBe('it was published more than 40 days ago');
      expect(await recorded()).toEqual([]);
      expect(await push('2', Date.now() - long + 60_000)).toBe(204);
      expect(await recorded()).toHaveLength(1);
    });
  });
});
