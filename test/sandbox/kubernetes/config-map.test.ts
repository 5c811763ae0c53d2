import { expect, test } from 'vitest';
import { languages } from '../../../src/execution/execution.ts';
import { packFiles } from '../../../src/execution/files.ts';
import { sizes } from '../../../src/execution/limits.ts';
import { configMapManifest } from '../../../src/sandbox/kubernetes/config-map.ts';
import { supervisorOf } from '../../../src/supervisor/source.ts';
import { installationId, name, spec } from './specs.ts';

/** As many parts as there may be, and together as large as they may be. */
function largest() {
  const args = Array.from({ length: sizes.args.entries }, () => 'a');
  const env = Object.fromEntries(Array.from({ length: sizes.env.entries }, (_, index) => [`E${index}`, '']));
  const files = packFiles(
    Array.from({ length: sizes.files.entries }, (_, index) => ({
      path: `${index}/${'p'.repeat(200)}`,
      bytes: Buffer.of(0),
    })),
  );
  const taken = args.join('').length + Object.keys(env).join('').length + files.length;
  return { args, env, files, code: Buffer.alloc(sizes.bundleBytes - taken, 'c') };
}

test.each(languages)(
  'the ConfigMap of the largest %s request is within what the admission policies allow',
  async (language) => {
    const { args, env, files, code } = largest();
    const manifest = configMapManifest({
      installationId,
      owner: { name, uid: 'uid' },
      name: `${name}-abcdefgh`,
      spec: spec({ language, args, env }),
      input: { code, stdin: new Uint8Array(), files },
      supervisor: await supervisorOf(language),
    });
    expect(JSON.stringify(manifest).length).toBeLessThan(sizes.configMapBytes);
  },
);
