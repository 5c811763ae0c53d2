import { randomBytes } from 'node:crypto';
import type { DocumentData, DocumentReference, DocumentSnapshot, Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import { UnavailableError } from '../../errors.ts';
import { base32, installationIdBytes } from '../../execution/identity.ts';
import { layoutVersion, newerLayout } from '../layout-version.ts';
import type { Installation } from '../store.ts';
import { answered, isConflict } from './unavailable.ts';

const installationSchema = z.object({
  id: z.string(),
  secret: z.instanceof(Uint8Array),
  /** For the functions that record requests and have no right to ask the cluster. */
  target: z.string().optional(),
});

/**
 * Reads the identity of the database, made by whichever process is first, and the target that requests are recorded for;
 * that is undefined until `writeTarget` was called. Throws UnavailableError once a newer program has read it.
 */
export async function readInstallation(
  firestore: Firestore,
): Promise<{ readonly installation: Installation; readonly target: string | undefined }> {
  const reference = documentOf(firestore);
  const found = await raised(reference);
  const { success, data } = installationSchema.safeParse(found);
  if (success) {
    const { id, secret, target } = data;
    return { installation: { id, secret: Uint8Array.from(secret) }, target };
  }
  throw new UnavailableError(
    `the Firestore database ${firestore.databaseId} has lost its identity: restore the document ${reference.path}, or use another database`,
  );
}

/** The document, made where there is none and raised to the version of this program where it is older. */
async function raised(reference: DocumentReference): Promise<DocumentData> {
  const { firestore } = reference;
  for (;;) {
    const snapshot = await answered(firestore, reference.get());
    const found = snapshot.data();
    const version: unknown = found?.['layoutVersion'] ?? 0;
    if (typeof version !== 'number' || version > layoutVersion) {
      const store = `the Firestore database ${firestore.databaseId}`;
      throw newerLayout(store, version, 'deploy the newer version everywhere');
    }
    if (found !== undefined && version === layoutVersion) return found;
    await answered(firestore, raise(snapshot)).catch((error: unknown) => {
      if (!isConflict(error)) throw error;
    });
  }
}

/** Fails when another process was faster. */
function raise({ ref, updateTime }: DocumentSnapshot): Promise<unknown> {
  if (updateTime !== undefined) return ref.update({ layoutVersion }, { lastUpdateTime: updateTime });
  return ref.create({ id: base32(randomBytes(installationIdBytes)), secret: randomBytes(32), layoutVersion });
}

/** Has requests recorded for that target from now on. */
export async function writeTarget(firestore: Firestore, target: string): Promise<void> {
  await answered(firestore, documentOf(firestore).update({ target }));
}

function documentOf(firestore: Firestore) {
  return firestore.collection('installation').doc('this');
}
