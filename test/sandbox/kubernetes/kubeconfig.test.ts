import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { loadKubeconfig } from '../../../src/sandbox/kubernetes/kubeconfig.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Writes a kubeconfig in which everything has that name. */
async function kubeconfig(name: string, user: object = {}): Promise<string> {
  const file = join(directory, name);
  const config = {
    clusters: [{ name, cluster: { server: `http://${name}` } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

test.each([
  [
    'a mapping that ends',
    'users:\n- {token: "secret"',
    '2:19',
    'unexpected end of the stream within a flow collection',
  ],
  ['an indentation', 'users:\n- user:\n    token: secret\n   x: y', '4:4', 'bad indentation of a mapping entry'],
  [
    'a key without a value',
    'a: b\nsecret\nc: d',
    '3:2',
    'can not read a block mapping entry; a multiline key may not be an implicit key',
  ],
  ['an alias', 'token: *secret', '1:9', 'unidentified alias'],
  ['a tag', 'token: !<secret> x', '1:8', 'unknown scalar tag'],
])('a broken kubeconfig is told by its place, and nothing of it is shown: %s', async (_, text, place, mistake) => {
  const file = join(directory, 'broken.yaml');
  await writeFile(file, text);
  const error = await loadKubeconfig({ kubeconfig: file }).catch((thrown: unknown) => thrown);
  expect(inspect(error)).not.toContain('secret');
  expect(error).toMatchObject({ message: `cannot read the kubeconfig ${file}: line ${place}: ${mistake}` });
});

const tooLarge = 'it has more than 4194304 bytes, which no kubeconfig has';

test('a file that is too large is no kubeconfig, by whatever way it is named', async () => {
  const file = join(directory, 'large.yaml');
  await writeFile(file, '#'.repeat(4 * 1024 * 1024 + 1));
  await expect(loadKubeconfig({ kubeconfig: file })).rejects.toThrow(`cannot read the kubeconfig ${file}: ${tooLarge}`);
  vi.stubEnv('KUBECONFIG', `${await kubeconfig('a')}:${file}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  await expect(loadKubeconfig({})).rejects.toThrow(`cannot read the kubeconfig ${file}: ${tooLarge}`);
});

test('the files of KUBECONFIG are joined, and the last current context is the one', async () => {
  vi.stubEnv('KUBECONFIG', `:${await kubeconfig('a')}:${await kubeconfig('b')}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await loadKubeconfig({})).toMatchObject({ access: { server: 'http://b' } });
  expect(await loadKubeconfig({ context: 'a' })).toMatchObject({ access: { server: 'http://a' } });
});

test('what a sign-in plugin answers is not shown when it cannot be understood', async () => {
  const script = 'console.log("secret {")';
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: ['-e', script] };
  const { access } = await loadKubeconfig({ kubeconfig: await kubeconfig('a', { exec }) });
  const error = await access.credentials().catch((thrown: unknown) => thrown);
  expect(inspect(error)).not.toContain('secret');
  expect(error).toMatchObject({
    message: "cannot sign in as the kubeconfig's user a: what its sign-in plugin answers is not JSON",
  });
});
