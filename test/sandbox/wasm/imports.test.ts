import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lengthOfCode } from '../../../src/sandbox/wasm/module-file.ts';
import { checkImports } from '../../../src/sandbox/wasm/wasi.ts';

const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const bytes = (text: string) => [text.length, ...Buffer.from(text)];
const section = (id: number, content: readonly number[]) => [id, content.length, ...content];
const custom = (name: string, content: readonly number[]) => section(0, [...bytes(name), ...content]);
/** One function type without parameters and results, and imports of it. */
const importing = (...names: readonly string[]) => [
  ...header,
  ...section(1, [1, 0x60, 0, 0]),
  ...section(2, [names.length, ...names.flatMap((name) => [...bytes('env'), ...bytes(name), 0, 0])]),
];

async function compiled(content: readonly number[]): Promise<WebAssembly.Module> {
  const file = join(await mkdtemp(join(tmpdir(), 'module-')), 'x.wasm');
  await writeFile(file, Uint8Array.from(content));
  return new WebAssembly.Module(Uint8Array.from(content).subarray(0, lengthOfCode(file)));
}

test('a module may import what is expected, or less', async () => {
  checkImports(await compiled(importing('a', 'b')), ['env.a:function', 'env.b:function']);
  checkImports(await compiled(importing('a')), ['env.a:function', 'env.b:function']);
});

test('a module that imports anything else is refused by name', async () => {
  const module = await compiled(importing('a', 'system'));
  expect(() => checkImports(module, ['env.a:function'])).toThrow(
    'unexpected imports of a WebAssembly module: env.system:function',
  );
  expect(() => checkImports(module, ['env.a:function', 'env.system:memory'])).toThrow('env.system:function');
});

test('custom sections at the end of a file are left out, others are kept', async () => {
  const module = await compiled([
    ...header,
    ...custom('kept', [1]),
    ...section(1, [0]),
    ...custom('debug', [2]),
    ...custom('more', [3]),
  ]);
  expect(WebAssembly.Module.customSections(module, 'kept')).toHaveLength(1);
  expect(WebAssembly.Module.customSections(module, 'debug')).toHaveLength(0);
  expect(WebAssembly.Module.customSections(module, 'more')).toHaveLength(0);
});
