import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { run } from './run.ts';

const input = { args: ['--n=1', '', 'é ü'], env: { X: 'ÿ', EMPTY: '' }, stdin: Buffer.from('one\ntwo ü') };

interface Printed {
  readonly stdout: string;
  readonly exitCode: number | null;
}

/** Runs the same text on the Node that runs this test. */
async function onNode(code: string, file: string): Promise<Printed> {
  const directory = await mkdtemp(join(tmpdir(), 'node-twin-'));
  await writeFile(join(directory, file), code);
  const child = spawn(process.execPath, [file, ...input.args], {
    cwd: directory,
    env: input.env,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.stdin.end(input.stdin);
  const stdout = await buffer(child.stdout);
  const exitCode = await exited;
  await rm(directory, { recursive: true });
  return { stdout: stdout.toString(), exitCode };
}

/** Programs that must print the same here as on Node, and exit alike. */
const twins: readonly { name: string; code: string; file?: string }[] = [
  {
    name: 'console, with its directives',
    code: `
console.log('a', 1, -0, null, undefined, true, 10n, Symbol('s'));
console.log('%s is %d and %i, %f, %j %%, %s', 'a', 1.5, 2.7, '3.5x', { x: [1] }, { y: 1 }, 'rest', { z: 1 });
console.log('100%', 5); console.log('%s'); console.log(); console.info('i'); console.debug('d');
console.group('g'); console.log('in\\nside'); console.groupEnd(); console.log('out');
console.count(); console.count('c'); console.count(); console.assert(true, 'no');
console.table([{ a: 1, b: 'x' }, { a: 2, c: true }]); console.table([[1, 2], [3]]); console.table(['p', 'q']); console.table(5);
console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });`,
  },
  {
    name: 'values as console.log shows them',
    code: `
class Foo { constructor() { this.a = 1 } } class Bar extends Foo { get [Symbol.toStringTag]() { return 'tagged' } }
const circle = { n: 1 }; circle.self = circle; circle.list = [circle];
const values = ['it\\'s', '"\\'x', 'line\\nbreak\\x00\\x7f', '\\ud800x', [], {}, [1, 'a', null, undefined], { a: { b: { c: { d: 1 } } } }, [[[[]]]],
  [1, 2, 3, 4, 5, 6, 7], Array.from({ length: 101 }, (_, i) => i), Array.from({ length: 26 }, (_, i) => 'item' + i),
  ['apple', 'banana', 'cherry', 'date', 'elderberry', 'fig', 'grape', 'honeydew melon'], [, 1, , , 2], new Array(5),
  { 'a-b': 1, '1a': 2, _x: 3, $y: 4, [Symbol('s')]: 5, get g() { return 1 }, set g(v) {}, get h() { return 1 }, set i(v) {} },
  new Map([['a', 1], ['b', { c: 2 }]]), new Set([1, 'a', [2]]), new Map(), new Set(), new WeakMap(),
  function foo() {}, () => {}, async () => {}, function* g() {}, class A {}, class B extends Foo {}, Object.assign(function f() {}, { a: 1 }),
  new Foo(), new Bar(), Object.create(null), Object.create(Foo.prototype), new Date(0), /a+/gi, new Number(3), new String('abc'),
  new Uint8Array([1, 2, 3]), new Float64Array(2), new ArrayBuffer(3), Buffer.from('abc'), circle, Object.assign([1, 2], { x: 1 }),
  { a: 'x'.repeat(100) }, ['x'.repeat(100)], { text: 'line1\\nline2 which is long enough to be broken because it is over eighty characters\\nline3' },
  { name: 'Alice', age: 30, tags: ['a', 'b'], address: { street: 'Main', geo: { lat: 1, lng: 2 } } },
  [{ id: 1, name: 'a' }, { id: 2, name: 'b' }, { id: 3, name: 'c' }, { id: 4 }, { id: 5 }, { id: 6 }, { id: 7, name: 'g' }],
  [1.5, 2.25, 3.125, 100, 20000, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [1n, 2n, 3n, 4n, 5n, 6n, 70n], { veryLongPropertyNameNumberOne: 'some value', veryLongPropertyNameNumberTwo: 'other' },
  { [Symbol.for('nodejs.util.inspect.custom')]: () => 'custom' }, new Error('x').message, [undefined, null], { u: undefined }, 'x'.repeat(5)];
for (const value of values) console.log(value);
console.log(values.slice(0, 4), { s: 'a\\'b' });`,
  },
  {
    name: 'process, with arguments, environment and input',
    code: `
console.log(process.argv.slice(2), process.argv.length, process.env.X, process.env.EMPTY, process.env.NONE, typeof process.exit);
process.stdout.write('text '); process.stdout.write(Buffer.from('bytes\\n')); process.stdout.write(new Uint8Array([104, 105, 10]));
console.log(require('node:fs').readFileSync(0, 'utf8').split('\\n'));
process.exitCode = 4; setTimeout(() => console.log('later'), 5);`,
  },
  {
    name: 'process.exit at once',
    code: `setTimeout(() => console.log('never'), 1); process.on('exit', (c) => console.log('exit', c)); process.exit(3)`,
  },
  {
    name: 'an ES module with top-level await',
    file: 'main.mjs',
    code: `
import { readFileSync, existsSync } from 'node:fs'; import path, { join } from 'path'; import { setTimeout as sleep } from 'node:timers/promises';
import process, { argv, cwd, exit } from 'node:process'; import { EventEmitter } from 'events'; import util from 'node:util'; import { Buffer } from 'node:buffer';
console.log(readFileSync(0).toString(), existsSync('/no/such'), join('a', '..', 'b'), path.resolve('/a/b', '../c/'), await sleep(2, 'slept'));
const lazy = await import('node:os'); console.log(lazy.EOL === '\\n', process.argv.length === argv.length, typeof cwd() + typeof exit, util.format('%s', 1), Buffer.from('é').toString('base64'));
const emitter = new EventEmitter(); emitter.once('x', (v) => console.log('x', v)); console.log(emitter.emit('x', 1), emitter.emit('x', 2));
try { await import('no-such-package') } catch (error) { console.log(error instanceof Error) }
export default 1;`,
  },
  {
    name: 'the order of callbacks',
    code: `
const log = (x) => console.log(x);
setTimeout(log, 1, 'first'); setTimeout(log, 1, 'second'); setTimeout(log, 900, 'unref').unref(); clearTimeout(setTimeout(log, 1, 'never'));
setTimeout(() => { log('outer'); Promise.resolve().then(() => log('micro in timer')); setTimeout(log, 0, 'inner') }, 1);
setTimeout(() => { let n = 0; const interval = setInterval(() => { log('tick'); if (++n === 3) clearInterval(interval) }, 2) }, 300);
Promise.resolve().then(() => log('micro')).then(() => log('micro 2')); queueMicrotask(() => log('queued'));
(async () => { log('async start'); await null; log('async end') })(); log('sync');`,
  },
  {
    name: 'reading lines',
    code: `
const rl = require('node:readline').createInterface({ input: process.stdin });
rl.on('line', (line) => console.log('line', line)); rl.on('close', () => console.log('closed'));`,
  },
  {
    name: 'iterating stdin',
    file: 'main.mjs',
    code: `let text = ''; process.stdin.setEncoding('utf8'); for await (const chunk of process.stdin) text += chunk; console.log(text.length, text);`,
  },
  {
    name: 'stdin as events',
    code: `let text = ''; process.stdin.on('data', (chunk) => { text += chunk }).on('end', () => console.log('end', text));`,
  },
  {
    name: 'files',
    code: `
const fs = require('fs'); const dir = fs.mkdtempSync('/tmp/twin-');
fs.mkdirSync(dir + '/a/b', { recursive: true }); fs.writeFileSync(dir + '/a/f.txt', 'héllo'); fs.appendFileSync(dir + '/a/f.txt', '!');
console.log(fs.readFileSync(dir + '/a/f.txt', 'utf8'), fs.readFileSync(dir + '/a/f.txt').length, fs.statSync(dir + '/a/f.txt').size, fs.readdirSync(dir + '/a').sort());
fs.renameSync(dir + '/a/f.txt', dir + '/g'); fs.copyFileSync(dir + '/g', dir + '/h'); fs.unlinkSync(dir + '/g'); console.log(fs.existsSync(dir + '/g'), fs.existsSync(dir + '/h'), fs.statSync(dir).isDirectory());
for (const attempt of [() => fs.readFileSync(dir + '/none'), () => fs.mkdirSync(dir + '/a'), () => fs.rmdirSync(dir + '/a'), () => fs.readFileSync(dir), () => fs.writeFileSync(dir + '/h', '', { flag: 'wx' })]) {
  try { attempt(); console.log('done') } catch (error) { console.log(error.code, error.syscall, error.message.replace(dir, '')) }
}
fs.promises.readFile(dir + '/h', 'utf8').then((text) => { console.log(text); fs.rmSync(dir, { recursive: true }); console.log(fs.existsSync(dir)) });`,
  },
  {
    name: 'bytes and texts',
    code: `
const b = Buffer.from('héllo wörld'); console.log(b.toString('hex'), b.toString('base64'), b.toString('base64url'), b.toString('latin1').length, b.slice(1, 4), Buffer.concat([b, Buffer.alloc(2)]).length);
console.log(Buffer.from('aGk', 'base64').toString(), Buffer.from('6869', 'hex').toString(), Buffer.byteLength('é'), Buffer.isBuffer(b), b.equals(Buffer.from(b)), JSON.stringify(Buffer.from('a')));
console.log(new TextDecoder().decode(new TextEncoder().encode('é')), btoa('x'), atob('eA=='), structuredClone({ a: [1, new Date(0)] }), new URL('/b?c=1#d', 'https://a.example/x').href, new URLSearchParams({ q: 'a b' }).toString());`,
  },
  {
    name: 'an error that is caught',
    code: `try { null.x } catch (error) { console.log(error.name, error instanceof TypeError, error.stack.split('\\n')[0].startsWith('TypeError: ')) }`,
  },
  { name: 'an uncaught error', code: `console.log('before'); throw new Error('x'); console.log('never')` },
  {
    name: 'a rejection that nothing handles',
    code: `async function main() { await null; throw new Error('x') } main(); setTimeout(() => console.log('never'), 5)`,
  },
  {
    name: 'a rejection that is handled',
    code: `const p = Promise.reject(new Error('x')); p.catch(() => console.log('caught'))`,
  },
  { name: 'a syntax error', code: `console.log('never'); let x = ;` },
  {
    name: 'a promise that is never settled',
    file: 'main.mjs',
    code: `console.log('before'); await new Promise(() => {})`,
  },
  {
    name: 'a listener for uncaught errors',
    code: `process.on('uncaughtException', (e) => console.log('heard', e.message)); setTimeout(() => { throw new Error('late') }, 1); setTimeout(() => console.log('after'), 9)`,
  },
  {
    name: 'a script that is its own main',
    code: `if (require.main === module) console.log('main', typeof __filename, typeof exports); undeclared = 1; console.log(undeclared)`,
  },
];

describe.concurrent('a JavaScript program does here what it does on Node', () => {
  test.each(twins)('$name', async ({ code, file = 'main.js' }) => {
    const [here, there] = await Promise.all([run('javascript', code, input), onNode(code, file)]);
    expect({ stdout: here.stdout, exitCode: here.exitCode }).toEqual(there);
  });
});

describe.concurrent('a JavaScript program', () => {
  test.each([
    {
      name: 'error',
      code: `function f() {\n  throw new TypeError('bad')\n}\nf()`,
      error: 'TypeError: bad\n    at f (/work/main.js:2:13)\n    at /work/main.js:4:1\n',
    },
    {
      name: 'rejection',
      code: `async function main() {\n  await null\n  throw new Error('late')\n}\nmain()`,
      error: 'Error: late\n    at main (/work/main.js:3:13)\n',
    },
    { name: 'thrown value', code: `throw { a: 1 }`, error: 'Uncaught { a: 1 }\n' },
    {
      name: 'syntax error',
      code: `let x = ;`,
      error: "SyntaxError: unexpected token in expression: ';'\n    at /work/main.js:1:9\n",
    },
    {
      name: 'missing module',
      code: `require('node:http')`,
      error:
        /^Error: Cannot find module 'node:http': this sandbox has buffer, .*\n {4}at require \(.*|at \/work\/main.js/,
    },
  ])('shows an uncaught $name with its place', async ({ code, error }) => {
    const shown = await run('javascript', code);
    expect(shown).toMatchObject({ ending: 'exited', exitCode: 1, stdout: '' });
    if (typeof error === 'string') expect(shown.stderr).toBe(error);
    else expect(shown.stderr).toMatch(error);
  });
});
