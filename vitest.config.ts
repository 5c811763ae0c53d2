import { defineConfig } from 'vitest/config';

const real = ['test/**/*.cluster.test.ts', 'test/readme.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What an execution is and may become is small and pure: its own tests reach all of it.
    coverage: { include: ['src/execution/**'], thresholds: { 100: true } },
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: real } },
      {
        extends: true,
        // One file after the other, and after everything else: they share one cluster, and some kill parts of it.
        test: { name: 'cluster', include: real, fileParallelism: false, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
