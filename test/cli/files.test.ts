import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CliError } from '../../src/cli/errors.ts';
import { writeOutputFiles } from '../../src/cli/files.ts';
import { stateDirectory } from '../e2e/command.ts';

/** Two directories: `out`, where files are to be written, and one beside it, with the file `kept`. */
function directories() {
  const state = stateDirectory();
  onTestFinished(() => state[Symbol.dispose]());
  const [out, beside] = [join(state.path, 'out'), join(state.path, 'beside')];
  mkdirSync(out);
  mkdirSync(beside);
  writeFileSync(join(beside, 'kept'), 'mine');
  return { out, beside };
}

const file = (path: string) => ({ path, bytes: Buffer.from('theirs') });

function failure(work: () => void): string {
  try {
    work();
  } catch (error) {
    if (error instanceof CliError) return error.message;
    throw error;
  }
  throw new Error('nothing failed');
}

describe('output files', () => {
  test('replace what is there, and make the directories that are not', () => {
    const { out } = directories();
    writeFileSync(join(out, 'old'), 'a longer text than that of the new file');
    writeOutputFiles(out, [file('old'), file('a/b/new')]);
    expect(readFileSync(join(out, 'old'), 'utf8')).toBe('theirs');
    expect(readFileSync(join(out, 'a/b/new'), 'utf8')).toBe('theirs');
  });

  test.each([
    ['../beside/kept', 'must not have empty, . or .. in it'],
    ['a/../../beside/kept', 'must not have empty, . or .. in it'],
    ['/etc/kept', 'must be relative'],
    ['\u001b[2J', 'must not contain control characters or lone surrogates'],
  ])('are none at the path %j, and nothing is written', (path, problem) => {
    const { out, beside } = directories();
    expect(failure(() => writeOutputFiles(out, [file('a'), file(path)]))).toBe(
      `cannot write ${JSON.stringify(path)}: the path of an output file ${problem}`,
    );
    expect(readdirSync(out)).toEqual([]);
    expect(readFileSync(join(beside, 'kept'), 'utf8')).toBe('mine');
  });

  test.each([
    ['to a file', 'link', '../beside/kept', 'link'],
    ['to nothing', 'link', '../beside/new', 'link'],
    ['to a directory', 'link', '../beside', 'link/kept'],
    ['below a directory', 'a/link', '../../beside', 'a/link/b/kept'],
  ])('do not follow a symbolic link %s', (_, link, target, path) => {
    const { out, beside } = directories();
    mkdirSync(join(out, 'a'));
    symlinkSync(target, join(out, link));
    expect(failure(() => writeOutputFiles(out, [file(path)]))).toBe(
      `cannot write ${join(out, path)}: ${join(out, link)} is a symbolic link`,
    );
    expect(readdirSync(beside)).toEqual(['kept']);
    expect(readFileSync(join(beside, 'kept'), 'utf8')).toBe('mine');
  });

  test('are written to a directory that is itself a symbolic link, since the user names it', () => {
    const { out, beside } = directories();
    symlinkSync(out, join(beside, 'link'));
    writeOutputFiles(join(beside, 'link'), [file('a')]);
    expect(readFileSync(join(out, 'a'), 'utf8')).toBe('theirs');
  });
});
