import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { toResource } from '../../src/resource.ts';
import { stranger } from '../client/stranger.ts';
import { final, output } from '../execution/samples.ts';
import { command, stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

const code = `open(".results.jsonl", "w").write("{}")
open("a", "w").write("b")`;

async function run(name: string, patterns: readonly string[]) {
  const where = ['--store', state.store, '--output-dir', join(state.path, name)];
  const named = patterns.flatMap((pattern) => ['--output', pattern]);
  expect(await command(['run', '-', '--language', 'python', ...where, ...named], { stdin: code })).toMatchObject({
    code: 0,
    stderr: Buffer.alloc(0),
  });
  return readdirSync(state.path).includes(name) ? readdirSync(join(state.path, name)).sort() : [];
}

test.each([
  ['no pattern', [], []],
  ['the name of another file', ['a'], ['a']],
  ['its own name', ['.results.jsonl'], ['.results.jsonl']],
  ['a pattern that it matches', ['*'], ['.results.jsonl', 'a']],
])('run writes the results file of a program only when it is named: %s', async (name, patterns, written) => {
  expect(await run(name, patterns)).toEqual(written);
});

test('a server cannot have files written that were not asked for, or elsewhere', async () => {
  const files = (path: string) => ({ ...output, files: [{ path, bytes: 1 }] });
  let path = '../escaped';
  await using server = await stranger((_, response) => {
    const { result, ...resource } = toResource({ ...final('SUCCEEDED'), output: files(path) });
    const body = { ...resource, result: { ...result, files: [{ path, bytes: 1, text: 'x' }] } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  const there = ['--server', `http://127.0.0.1:${server.port}`, '--output-dir', join(state.path, 'served')];
  const taken = await command(['files', final('SUCCEEDED').id, ...there]);
  expect([taken.code, taken.stderr.toString()]).toEqual([
    2,
    `gke-code-executor: http://127.0.0.1:${server.port} names an output file "../escaped", whose path must not have empty, . or .. in it\n`,
  ]);
  path = '.bashrc';
  await command(['run', 'examples/primes.py', ...there, '--output', '*.svg']);
  expect(readdirSync(state.path)).not.toContain('escaped');
  expect(readdirSync(state.path)).not.toContain('served');
  await command(['files', final('SUCCEEDED').id, ...there]);
  expect(readFileSync(join(state.path, 'served/.bashrc'), 'utf8')).toBe('x');
});
