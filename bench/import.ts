import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Time to load each function, cold: its bundle with a compile cache, as deployed, against its source and dependencies as
 * they lie, interleaved in one run. Ends with 1 when a bundle takes more than 0.7 of the other.
 */
const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const target = 0.7;
const rounds = 5;

async function seconds(file: string, env: NodeJS.ProcessEnv): Promise<number> {
  const began = performance.now();
  await run(process.execPath, ['--no-warnings', '--eval', `await import(${JSON.stringify(file)}); process.exit(0)`], {
    env: { ...process.env, ...env },
  });
  return (performance.now() - began) / 1000;
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}

await run(process.execPath, [join(root, 'scripts/build.ts')]);
const cache = mkdtempSync(join(tmpdir(), 'compile-cache-'));
for (const file of readdirSync(join(root, 'functions'))) {
  const name = basename(file, '.ts');
  const bundle = join(root, 'dist/functions', name, 'index.js');
  // The first load fills the cache.
  await seconds(bundle, { NODE_COMPILE_CACHE: cache });
  const taken = { plain: [] as number[], bundled: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    taken.plain.push(await seconds(join(root, 'functions', file), {}));
    taken.bundled.push(await seconds(bundle, { NODE_COMPILE_CACHE: cache }));
  }
  const [plain, bundled] = [median(taken.plain), median(taken.bundled)];
  const ratio = bundled / plain;
  console.log(
    `${name.padEnd(9)} plain ${plain.toFixed(2)} s, bundled ${bundled.toFixed(2)} s, ratio ${ratio.toFixed(2)}`,
  );
  if (ratio > target) process.exitCode = 1;
}
rmSync(cache, { recursive: true });
