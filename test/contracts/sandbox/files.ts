import fc from 'fast-check';
import { expect } from 'vitest';
import { type FileEntry, packFiles, pathProblem, unpackFiles } from '../../../src/execution/files.ts';
import { scaled } from '../../scale.ts';
import { bytes, type Lab, run } from './lab.ts';

/** Names as people and programs give them. */
const name = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 12 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
    fc.constantFrom('.hidden', 'a b', '__proto__', 'main.py', '-', '$(id)', 'n'.repeat(255)),
  )
  .filter((text) => !text.includes('/') && pathProblem(text) === undefined);

/** Trees whose files lie below a directory of a name and a directory of none. */
const tree = fc
  .uniqueArray(fc.array(name, { minLength: 1, maxLength: 3 }), { maxLength: 12, selector: (names) => names.join('/') })
  .map((paths) => paths.map((names, index) => `in/${index}/${names.join('/')}`))
  .chain((paths) => fc.tuple(...paths.map((path) => fc.record({ path: fc.constant(path), bytes: content }))));
const content = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom('', '\r\n', '\x01o\x10', 'a\r\r\n\x10').map(bytes),
  fc.nat(40_000).map((length) => Uint8Array.from({ length }, (_, index) => (index * 31) % 256)),
);

const shown = (files: readonly FileEntry[]) =>
  Object.fromEntries(files.map((file) => [file.path, Buffer.from(file.bytes).toString('base64')]));

/** How many run at a time. */
const width = 4;

/** Cases about the files that go into a program and come back. */
export const fileCases = {
  files: {
    title: 'trees of files go in and come back byte for byte',
    run: async (lab: Lab) => {
      const trees = fc.sample(tree, { numRuns: scaled(200), seed: 5 });
      const mirror = async () => {
        for (let files = trees.pop(); files !== undefined; files = trees.pop()) {
          const request = { outputFiles: ['out/**'], maxOutputFileBytes: 1_000_000 };
          const ran = await run(lab, lab.programs.mirror.code, request, bytes(''), packFiles(files));
          const { job, verdict, output } = ran;
          // There are more trees than a sandbox has room for.
          await lab.sandbox.remove(job, { wait: true });
          expect(verdict.state).toBe('SUCCEEDED');
          const expected = files.map((file) => ({ ...file, path: file.path.replace('in/', 'out/') }));
          expect(shown(unpackFiles(output.files))).toEqual(shown(expected));
          expect([output.omittedFiles, output.complete]).toEqual([0, true]);
        }
      };
      await Promise.all(Array.from({ length: width }, mirror));
    },
  },
  filesUnasked: {
    title: 'files that nobody asked for stay, and of too many those that found no room are counted',
    run: async (lab: Lab) => {
      const files = packFiles(['a', 'b', 'c'].map((path) => ({ path: `in/${path}`, bytes: bytes('four') })));
      const kept = await run(lab, lab.programs.mirror.code, {}, bytes(''), files);
      expect([kept.output.files.length, kept.output.omittedFiles]).toEqual([0, 0]);
      const request = { outputFiles: ['out/*'], maxOutputFileBytes: 8 };
      const some = await run(lab, lab.programs.mirror.code, request, bytes(''), files);
      expect(unpackFiles(some.output.files).map(({ path }) => path)).toEqual(['out/a', 'out/b']);
      expect([some.output.omittedFiles, some.output.complete]).toEqual([1, true]);
    },
  },
} as const;
