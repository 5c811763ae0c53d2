import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadKubeconfig } from '../../../src/sandbox/kubernetes/kubeconfig.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});
afterAll(() => rm(directory, { recursive: true }));

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
