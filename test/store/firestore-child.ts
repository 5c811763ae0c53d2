// A process of its own for firestore-trouble.test.ts: node firestore-child.ts <host> <project> <increments>
import { Firestore } from '@google-cloud/firestore';
import { firestoreStore } from '../../src/store/firestore.ts';

const [host = '', projectId = '', increments = ''] = process.argv.slice(2);
const firestore = new Firestore({ projectId, host, ssl: false });
const { installation, leases } = await firestoreStore({ firestore });
await leases.create({ id: 'a', expiresAt: 0 });
for (let done = 0; done < Number(increments); done++) {
  await leases.update('a', (current) => ({ ...current, expiresAt: current.expiresAt + 1 }));
}
process.stdout.write(`${installation.id} ${Buffer.from(installation.secret).toString('hex')}`);
await firestore.terminate();
