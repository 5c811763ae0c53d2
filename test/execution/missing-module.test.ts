import { expect, test } from 'vitest';
import { missingModule } from '../../src/execution/missing-module.ts';

const rows: readonly { stderr: string; module: string | null }[] = [
  { stderr: "Traceback (most recent call last):\nModuleNotFoundError: No module named 'numpy'\n", module: 'numpy' },
  { stderr: "ModuleNotFoundError: No module named 'a.b_c'; 'a' is not a package\n", module: 'a.b_c' },
  {
    stderr: "node:internal:1\n\nError: Cannot find module 'left-pad'\nRequire stack:\n- /work/main.js\n",
    module: 'left-pad',
  },
  {
    stderr: "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@scope/name' imported from /work/main.js\n",
    module: '@scope/name',
  },
  { stderr: `${'x'.repeat(10_000)}\nModuleNotFoundError: No module named 'pandas'`, module: 'pandas' },
  { stderr: `ModuleNotFoundError: No module named 'pandas'\n${'x'.repeat(10_000)}`, module: null },
  { stderr: "said ModuleNotFoundError: No module named 'x'\n", module: null },
  { stderr: "ModuleNotFoundError: No module named '<script>'\n", module: null },
  { stderr: '', module: null },
];

test.each(rows)('of $stderr it is $module', ({ stderr, module }) => {
  expect(missingModule(new TextEncoder().encode(stderr))).toBe(module);
});
