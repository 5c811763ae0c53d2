import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Firestore } from '@google-cloud/firestore';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { UnavailableError } from '../../src/errors.ts';
import { firestoreCollection } from '../../src/store/firestore/collection.ts';
import { answered, explain } from '../../src/store/firestore/unavailable.ts';
import { clientSettings, firestoreStore } from '../../src/store/firestore.ts';
import type { Collection } from '../../src/store/store.ts';
import { everything, increment, range, type Thing, thing, things, until } from '../contracts/store/things.ts';
import { describeEmulator, testWithOwnEmulator } from '../emulators.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { startRefusing } from './firestore-refusing.ts';

describeEmulator('firestore', 'Firestore in trouble', (emulator) => {
  /** A client of a project of its own; `through` leads it to another address than the emulator's. */
  const client = async (projectId = `test-${randomUUID()}`, through?: string) => {
    const firestore = new Firestore({ ...clientSettings, projectId, host: through ?? (await emulator()), ssl: false });
    const store = firestoreCollection(things, firestore);
    return { firestore, store, projectId, [Symbol.asyncDispose]: () => firestore.terminate() };
  };

  describe('when a write is done and its answer gets lost', () => {
    /** Does something through a connection that loses the answer of its first commit, and then breaks. */
    const losing = async <R>(work: (store: Collection<Thing>) => Promise<R>) => {
      await using proxy = await startTcpProxy(await emulator());
      await using direct = await client();
      await using cut = await client(direct.projectId, proxy.host);
      await direct.store.create(thing('old'), { stdout: new Uint8Array(300_000) });
      await cut.store.get('old');
      const { batch } = cut.firestore;
      let commits = 0;
      cut.firestore.batch = () => {
        if (commits++ === 0) proxy.swallowAnswers();
        return batch.call(cut.firestore);
      };
      const written = Promise.withResolvers<void>();
      const stop = direct.firestore.collection('things').onSnapshot(({ docs }) => {
        if (docs.length !== 1 || docs[0]?.get('item') !== JSON.stringify(thing('old'))) written.resolve();
      });
      const result = work(cut.store);
      await written.promise;
      stop();
      proxy.cut();
      const told = await result;
      const { items } = await direct.store.query(everything);
      return { told, items };
    };

    test('create says that it created', async () => {
      const { told, items } = await losing((store) => store.create(thing('new')));
      expect(told).toEqual({ created: true, item: thing('new') });
      expect(items).toEqual([thing('new'), thing('old')]);
    });

    test('update applies the change once', async () => {
      const { told, items } = await losing((store) => store.update('old', increment));
      expect(told).toEqual({ before: thing('old'), after: thing('old', { count: 1 }) });
      expect(items).toEqual([thing('old', { count: 1 })]);
    });

    test('remove is content', async () => {
      const { items } = await losing((store) => store.remove('old'));
      expect(items).toEqual([]);
    });

    test('remove leaves its tombstone', async () => {
      const tombstone = { bodyHash: 'h', expiresAt: Date.now() + 60_000 };
      const { told, items } = await losing(async (store) => {
        await store.remove('old', tombstone);
        return store.create(thing('old'));
      });
      expect(told).toEqual({ created: false, tombstone });
      expect(items).toEqual([]);
    });
  });

  test('a connection that breaks now and then loses no change and makes none twice', async () => {
    await using proxy = await startTcpProxy(await emulator());
    await using direct = await client();
    await using cut = await client(direct.projectId, proxy.host);
    await direct.store.create(thing('a'));
    const told: number[] = [];
    const stop = cut.store.watch('a', ({ count }) => told.push(count));
    for (const round of range(18)) {
      if (round % 3 === 0) setTimeout(() => proxy.cut(), Math.random() * 40);
      await cut.store.update('a', increment);
    }
    expect(await direct.store.get('a')).toEqual(thing('a', { count: 18 }));
    await until(() => expect(told.at(-1)).toBe(18));
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    stop();
  });

  test('a right that is missing is named, and a watch begins when it comes', async () => {
    await using refusing = await startRefusing();
    await using proxy = await startTcpProxy(refusing.host);
    await using direct = await client();
    await using refused = await client(direct.projectId, proxy.host);
    await direct.store.create(thing('a'));
    const told: number[] = [];
    const stop = refused.store.watch('a', ({ count }) => told.push(count));
    onTestFinished(stop);
    await expect(refused.store.create(thing('b'))).rejects.toThrow(
      new UnavailableError(
        'no right to use the Firestore database (default) (Missing or insufficient permissions.): grant this identity roles/datastore.user',
      ),
    );
    proxy.cut(await emulator());
    await until(() => expect(told).toEqual([0]));
    await refused.store.update('a', increment);
    await until(() => expect(told).toEqual([0, 1]));
    stop();
  });

  test('processes lose no update of each other, and agree on the identity', async () => {
    await using direct = await client();
    const program = fileURLToPath(new URL('./firestore-child.ts', import.meta.url));
    const options = [program, await emulator(), direct.projectId, '40'];
    const children = range(2).map(() => promisify(execFile)(process.execPath, options, { timeout: 60_000 }));
    const identities = (await Promise.all(children)).map(({ stdout }) => stdout);
    const store = await firestoreStore({ firestore: direct.firestore });
    const { id, secret } = store.installation;
    expect(new Set(identities)).toEqual(new Set([`${id} ${Buffer.from(secret).toString('hex')}`]));
    expect(await store.leases.get('a')).toEqual({ id: 'a', expiresAt: 80 });
  }, 90_000);

  test('while it is away calls say so, and go on when it is back', async () => {
    await using proxy = await startTcpProxy(await emulator());
    await using direct = await client();
    await using down = await client(direct.projectId, proxy.host);
    await using unreachable = await client(direct.projectId, '127.0.0.1:1');
    await down.store.create(thing('a'));
    const told: number[] = [];
    const stop = down.store.watch('a', ({ count }) => told.push(count));
    onTestFinished(stop);
    await until(() => expect(told).toEqual([0]));
    await proxy.goDown();
    const during = down.store.create(thing('b'));
    const silent = expect(unreachable.store.get('a')).rejects.toThrow(
      /^cannot reach the Firestore database \(default\) \(.+\): try again; what was asked may have been done$/,
    );
    await direct.store.update('a', increment);
    await proxy.comeBack();
    expect(await during).toEqual({ created: true, item: thing('b') });
    expect(await direct.store.get('b')).toEqual(thing('b'));
    await silent;
    await vi.waitFor(() => expect(told).toEqual([0, 1]), { timeout: 30_000 });
    stop();
  });

  testWithOwnEmulator('firestore', 'an emulator that dies and comes back, empty, is used again', async (own) => {
    await using survivor = await client(undefined, own.host);
    await survivor.store.create(thing('a'));
    const told: number[] = [];
    const stop = survivor.store.watch('a', ({ count }) => told.push(count));
    onTestFinished(stop);
    await until(() => expect(told).toEqual([0]));
    await own.kill();
    const [written] = await Promise.allSettled([survivor.store.create(thing('b')), own.start()]);
    const again = await vi.waitFor(() => survivor.store.create(thing('b')), { timeout: 30_000, interval: 100 });
    expect([written.status, again.created]).not.toEqual(['fulfilled', true]);
    expect(await survivor.store.get('b')).toEqual(thing('b'));
    await survivor.store.create(thing('a', { count: 7 }));
    await vi.waitFor(() => expect(told).toEqual([0, 7]), { timeout: 60_000 });
    stop();
  });
});

test('a call that gets no answer is given up', async () => {
  const firestore = new Firestore({ projectId: 'test', databaseId: 'd' });
  await expect(answered(firestore, new Promise(() => {}), 20)).rejects.toThrow(
    new UnavailableError(
      'cannot reach the Firestore database d (no answer within 0.02 s): try again; what was asked may have been done',
    ),
  );
});

describe('an error of the client', () => {
  const failure = (code: number | undefined, message: string) => Object.assign(new Error(message), { code });

  test.each([
    {
      error: failure(14, '14 UNAVAILABLE: No connection established.'),
      says: 'cannot reach the Firestore database d (No connection established.): try again; what was asked may have been done',
    },
    {
      error: failure(4, '4 DEADLINE_EXCEEDED: Deadline exceeded after 60.0s'),
      says: 'cannot reach the Firestore database d (Deadline exceeded after 60.0s): try again; what was asked may have been done',
    },
    {
      error: failure(7, '7 PERMISSION_DENIED: Missing or insufficient permissions.'),
      says: 'no right to use the Firestore database d (Missing or insufficient permissions.): grant this identity roles/datastore.user',
    },
    {
      error: failure(
        7,
        '7 PERMISSION_DENIED: Cloud Firestore API has not been used in project p before or it is disabled.',
      ),
      says: 'the Firestore API is not enabled (Cloud Firestore API has not been used in project p before or it is disabled.): run "gcloud services enable firestore.googleapis.com"',
    },
    {
      error: failure(
        5,
        '5 NOT_FOUND: The database d does not exist for project p Please visit https://console.cloud.google.com',
      ),
      says: 'there is no Firestore database d: make it with "gcloud firestore databases create --database=d --location=LOCATION", or name another',
    },
    {
      error: failure(8, '8 RESOURCE_EXHAUSTED: Quota exceeded.'),
      says: 'the Firestore database d is out of quota (Quota exceeded.): wait, or raise the quota',
    },
    {
      error: failure(9, '9 FAILED_PRECONDITION: The query requires an index. You can create it here: https://console'),
      says: 'the Firestore database d lacks an index (The query requires an index. You can create it here: https://console): create those of terraform/firestore.indexes.json and wait until they are built',
    },
    {
      error: failure(
        9,
        '9 FAILED_PRECONDITION: The Cloud Firestore API is not available for Firestore in Datastore Mode database d.',
      ),
      says: 'the Firestore database d is in Datastore mode: use one in native mode',
    },
    {
      error: failure(16, '16 UNAUTHENTICATED: Request had invalid authentication credentials.'),
      says: 'Firestore does not accept the credentials (Request had invalid authentication credentials.): renew them, or deploy with a service account',
    },
    {
      error: failure(
        undefined,
        'Could not load the default credentials. Browse to https://cloud.google.com for more information.',
      ),
      says: 'there are no Google Cloud credentials: run "gcloud auth application-default login", or deploy with a service account',
    },
  ])('is said with its cure: $says', ({ error, says }) => {
    const explained = explain(error, 'd');
    expect(explained).toEqual(new UnavailableError(says));
    expect(explained).toMatchObject({ cause: error });
  });

  test.each([
    failure(9, '9 FAILED_PRECONDITION: the stored version does not match the required base version'),
    failure(5, '5 NOT_FOUND: No document to update: projects/p/databases/d/documents/things/a'),
    failure(3, '3 INVALID_ARGUMENT: The value of property "b" is longer than 1048487 bytes.'),
    failure(undefined, 'a mistake of our own'),
    'not even an error',
  ])('that no operator can cure stays as it is: %s', (error) => {
    expect(explain(error, 'd')).toBe(error);
  });
});
