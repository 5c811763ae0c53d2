import { copyFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import manifest from '../package.json' with { type: 'json' };
import { podCommands } from '../src/supervisor/pod-commands.ts';

/** Bundles every function into `dist/functions/<name>`, a directory that Cloud Run functions can build from as it is. */
const root = fileURLToPath(new URL('..', import.meta.url));
const framework = '@google-cloud/functions-framework';
const supervisors = Object.values(podCommands).flatMap(({ files }) => files.map(({ source }) => source));
const names = readdirSync(join(root, 'functions')).map((file) => basename(file, '.ts'));

const built = join(root, 'dist/functions');
// Put in place at the end, so that functions which run from there find either all of the old or all of the new.
const next = join(root, `dist/functions-${process.pid}`);
for (const name of names) {
  const outdir = join(next, name);
  await build({
    entryPoints: { index: join(root, 'functions', `${name}.ts`) },
    outdir,
    bundle: true,
    format: 'esm',
    // What is imported on demand, such as the exporters of telemetry, is a file of its own that a cold start does not read.
    splitting: true,
    platform: 'node',
    target: 'node22.19',
    // A kubeconfig, and with it the client, is only for where there is no GKE.
    external: [framework, '@kubernetes/client-node'],
    minifySyntax: true,
    minifyWhitespace: true,
    // Dependencies in CommonJS that were bundled still call these.
    banner: {
      js: [
        "import { createRequire } from 'node:module';",
        "import { fileURLToPath as toPath } from 'node:url';",
        'const require = createRequire(import.meta.url);',
        "const __filename = toPath(import.meta.url), __dirname = toPath(new URL('.', import.meta.url));",
      ].join('\n'),
    },
    legalComments: 'none',
    logLevel: 'warning',
  });
  for (const source of supervisors) copyFileSync(join(root, 'src/supervisor', source), join(outdir, source));
  const { version, engines, dependencies } = manifest;
  const deployed = {
    ...{ name: `gke-code-executor-${name}`, version, private: true, type: 'module', main: 'index.js', engines },
    dependencies: { [framework]: dependencies[framework] },
  };
  writeFileSync(join(outdir, 'package.json'), `${JSON.stringify(deployed, null, 2)}\n`);
}
rmSync(built, { recursive: true, force: true });
renameSync(next, built);
console.log(`built ${names.join(', ')} in dist/functions`);
