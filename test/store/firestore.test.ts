import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DocumentReference, FieldValue, Firestore } from '@google-cloud/firestore';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { UnavailableError } from '../../src/errors.ts';
import type { Execution } from '../../src/execution/execution.ts';
import { noOutput } from '../../src/execution/final.ts';
import { type ExecutionEvent, transition } from '../../src/execution/transitions.ts';
import { firestoreCollection } from '../../src/store/firestore/collection.ts';
import { readInstallation, writeTarget } from '../../src/store/firestore/installation.ts';
import { firestoreStore } from '../../src/store/firestore.ts';
import { layoutVersion } from '../../src/store/layout-version.ts';
import type { Collection } from '../../src/store/store.ts';
import { everything, increment, range, type Thing, thing, things } from '../contracts/store/things.ts';
import { storeContract } from '../contracts/store.ts';
import { describeEmulator } from '../emulators.ts';

describeEmulator('firestore', 'Firestore', (emulator) => {
  storeContract('firestore', async () => {
    const clients: Firestore[] = [];
    const projectId = `test-${randomUUID()}`;
    const host = await emulator();
    return {
      open: async (schema, onError) => {
        const firestore = new Firestore({ projectId, host, ssl: false });
        clients.push(firestore);
        return firestoreCollection(schema, firestore, onError);
      },
      close: async () => {
        // What the client is about to ask when it is terminated fails where nobody hears of it.
        await sleep(50);
        await Promise.all(clients.map((client) => client.terminate()));
      },
    };
  });

  let firestore: Firestore;
  beforeEach(async () => {
    firestore = new Firestore({ projectId: `test-${randomUUID()}`, host: await emulator(), ssl: false });
  });
  afterEach(() => firestore.terminate());

  /** Paths of all documents, sub-collections included. */
  const paths = async (parent: Firestore | DocumentReference = firestore): Promise<readonly string[]> => {
    const collections = await parent.listCollections();
    const references = await Promise.all(collections.map((collection) => collection.listDocuments()));
    const below = await Promise.all(references.flat().map(paths));
    return [...references.flat().map(({ path }) => path), ...below.flat()];
  };

  test('a small execution takes four writes of one document', async () => {
    const store = await firestoreStore({ firestore, installation: { id: 'i', secret: new Uint8Array(32) } });
    let commits = 0;
    const { batch } = firestore;
    firestore.batch = () => {
      commits++;
      return batch.call(firestore);
    };
    await store.executions.create(accepted, { code: Buffer.from('print(1)'), stdin: new Uint8Array() });
    const happens = (event: ExecutionEvent, parts = {}) =>
      store.executions.update('x', (current) => transition(current, event, 2000), parts);
    await happens({ type: 'launched', jobUid: 'j' });
    await happens({ type: 'started', jobUid: 'j', startedAt: 1500, epoch: null });
    await happens({ type: 'launched', jobUid: 'j' });
    const final = await happens(ended, { stdout: new Uint8Array(200 * 1024), stderr: new Uint8Array(200 * 1024) });
    expect(final?.after.state).toBe('SUCCEEDED');
    expect(commits).toBe(4);
    expect(await paths()).toEqual(['executions/x']);
  });

  test.each<[string, (collection: Collection<Thing>) => Promise<unknown>]>([
    ['get', (collection) => collection.get('a')],
    ['update', (collection) => collection.update('a', increment)],
    ['query', (collection) => collection.query(everything)],
    ['create', (collection) => collection.create(thing('a'))],
    ['remove', (collection) => collection.remove('a')],
  ])('a document that another program wrote is named by %s', async (_, use) => {
    await firestore.doc('things/a').set({ color: 'red', order: 1 });
    await expect(use(firestoreCollection(things, firestore))).rejects.toThrow('the document things/a does not parse');
  });

  test('documents that another program wrote end no page, whatever they sort by', async () => {
    const errors: unknown[] = [];
    const store = firestoreCollection(things, firestore, (error) => errors.push(error));
    for (const id of range(5)) await firestore.doc(`things/alien%20${id}`).set({ order: 'first', item: '{}' });
    await store.create(thing('a'));
    const page = await store.query({ ...everything, direction: 'descending', limit: 1 });
    expect(page).toEqual({ items: [thing('a')], next: null });
    expect(errors).toHaveLength(5);
  });

  describe('the identity', () => {
    test.each([0, 2, 5, 10, 20])('is made once when others come every %i ms, and stays', async (pauseMs) => {
      const opening = range(5).map(async (index) => {
        await sleep(index * pauseMs);
        return firestoreStore({ firestore });
      });
      const [first, ...others] = (await Promise.all(opening)).map(({ installation }) => installation);
      expect(first?.id).toMatch(/^[a-z2-7]{8}$/);
      expect(first?.secret).toHaveLength(32);
      for (const other of others) expect(other).toEqual(first);
    });

    test('may be kept elsewhere', async () => {
      const installation = { id: 'elsewher', secret: new Uint8Array(32) };
      expect((await firestoreStore({ firestore, installation })).installation).toBe(installation);
      expect(await paths()).toEqual([]);
    });

    test('that is lost is not made anew', async () => {
      await firestore.doc('installation/this').set({ id: 'abcdefgh' });
      await expect(firestoreStore({ firestore })).rejects.toThrow(
        new UnavailableError(
          'the Firestore database (default) has lost its identity: restore the document installation/this, or use another database',
        ),
      );
    });
  });

  describe('the version of the layout', () => {
    const reference = () => firestore.doc('installation/this');
    const stored = async () => (await reference().get()).get('layoutVersion');

    test('is written with the identity', async () => {
      await firestoreStore({ firestore });
      expect(await stored()).toBe(layoutVersion);
    });

    test.each([undefined, layoutVersion - 1])('is raised where it was %s, and all else stays', async (before) => {
      const { installation } = await firestoreStore({ firestore });
      await writeTarget(firestore, 'kubernetes:x');
      await reference().update({ layoutVersion: before ?? FieldValue.delete() });
      const opened = await Promise.all(range(3).map(() => readInstallation(firestore)));
      for (const found of opened) expect(found).toEqual({ installation, target: 'kubernetes:x' });
      expect(await stored()).toBe(layoutVersion);
    });

    test.each([layoutVersion + 1, 'of another kind'])('is not touched where it is %s', async (newer) => {
      await firestoreStore({ firestore });
      await reference().update({ layoutVersion: newer, secret: 'kept in a way that only newer programs know' });
      const refused = firestoreStore({ firestore });
      await expect(refused).rejects.toThrow(UnavailableError);
      await expect(refused).rejects.toThrow(
        `the Firestore database (default) was written by a newer gke-code-executor (layout ${newer}, this program knows ${layoutVersion}): deploy the newer version everywhere`,
      );
      expect(await stored()).toBe(newer);
    });

    test('is not lowered when a newer program raises it meanwhile', async () => {
      await firestoreStore({ firestore });
      await reference().update({ layoutVersion: FieldValue.delete() });
      const { get } = DocumentReference.prototype;
      const read = vi.spyOn(DocumentReference.prototype, 'get');
      onTestFinished(() => read.mockRestore());
      read.mockImplementationOnce(async function (this: DocumentReference) {
        const before = await get.call(this);
        await this.update({ layoutVersion: layoutVersion + 1 });
        return before;
      });
      await expect(firestoreStore({ firestore })).rejects.toThrow('newer gke-code-executor');
      expect(await stored()).toBe(layoutVersion + 1);
    });
  });

  test('leases and executions lie apart', async () => {
    const store = await firestoreStore({ firestore });
    await store.leases.create({ id: 'x', expiresAt: 1 });
    expect(await store.executions.get('x')).toBeUndefined();
    await store.executions.create(accepted);
    const open = await store.executions.query({ ...everything, equal: { target: 't', open: 'yes' } });
    expect(open.items).toEqual([accepted]);
  });
});

const ended: ExecutionEvent = {
  type: 'ended',
  jobUid: 'j',
  ending: { podReason: '', podMessage: '', disruption: '', container: null, jobReason: 'Complete' },
  verdict: {
    state: 'SUCCEEDED',
    fault: null,
    started: true,
    retrySafe: false,
    exitCode: 0,
    signal: null,
    reason: 'Completed',
    message: '',
  },
  output: noOutput,
};

const accepted: Execution = {
  state: 'ACCEPTED',
  id: 'x',
  target: 't',
  isolation: 'gvisor',
  owner: null,
  caller: 'c',
  bodyHash: 'h',
  request: {
    language: 'python',
    args: [],
    env: { __X__: 'reserved by Firestore' },
    envNames: ['__X__'],
    image: null,
    labels: {},
    codeBytes: 8,
    stdinBytes: 0,
    files: [],
    outputFiles: [],
    maxOutputFileBytes: 0,
    timeoutSeconds: 300,
    startTimeoutSeconds: 300,
    cpuRequestMillicores: 200,
    cpuLimitMillicores: 500,
    memoryRequestMiB: 256,
    memoryLimitMiB: 512,
    maxStdoutBytes: 1_048_576,
    maxStderrBytes: 1_048_576,
  },
  acceptedAt: 1000,
  waiting: null,
};
