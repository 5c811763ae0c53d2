import { randomBytes } from 'node:crypto';
import type { Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import { UnavailableError } from '../../errors.ts';
import { base32, installationIdBytes } from '../../execution/identity.ts';
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
 * that is undefined until `writeTarget` was called.
 */
export async function readInstallation(
  firestore: Firestore,
): Promise<{ readonly installation: Installation; readonly target: string | undefined }> {
  const reference = documentOf(firestore);
  const read = async () => (await answered(firestore, reference.get())).data();
  let found = await read();
  if (found === undefined) {
    const made = { id: base32(randomBytes(installationIdBytes)), secret: randomBytes(32) };
    await answered(firestore, reference.create(made)).catch((error: unknown) => {
      if (!isConflict(error)) throw error;
    });
    found = await read();
  }
  const { success, data } = installationSchema.safeParse(found);
  if (success) {
    const { id, secret, target } = data;
    return { installation: { id, secret: Uint8Array.from(secret) }, target };
  }
  throw new UnavailableError(
    `the Firestore database ${firestore.databaseId} has lost its identity: restore the document ${reference.path}, or use another database`,
  );
}

/** Has requests recorded for that target from now on. */
export async function writeTarget(firestore: Firestore, target: string): Promise<void> {
  await answered(firestore, documentOf(firestore).update({ target }));
}

function documentOf(firestore: Firestore) {
  return firestore.collection('installation').doc('this');
}
