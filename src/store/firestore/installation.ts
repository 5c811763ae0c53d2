import { randomBytes } from 'node:crypto';
import type { Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import { UnavailableError } from '../../errors.ts';
import { base32, installationIdBytes } from '../../execution/identity.ts';
import type { Installation } from '../store.ts';
import { answered, isConflict } from './unavailable.ts';

const installationSchema = z.object({ id: z.string(), secret: z.instanceof(Uint8Array) });

/** Reads the identity of the database, made by whichever process is first. */
export async function readInstallation(firestore: Firestore): Promise<Installation> {
  const reference = firestore.collection('installation').doc('this');
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
  if (success) return { id: data.id, secret: Uint8Array.from(data.secret) };
  throw new UnavailableError(
    `the Firestore database ${firestore.databaseId} has lost its identity: restore the document ${reference.path}, or use another database`,
  );
}
