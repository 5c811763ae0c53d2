import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from './run.ts';

const secret = 'SECRET_OF_THE_PARENT';
const ownFile = fileURLToPath(import.meta.url);

beforeAll(() => {
  process.env[secret] = 'seen';
});

afterAll(() => {
  delete process.env[secret];
});

/** Runs attempts, each an expression that may await, and returns what each of them saw: its value, or its error. */
async function attempt(attempts: Readonly<Record<string, string>>, prelude = ''): Promise<Record<string, string>> {
  const code = `
${prelude}
const AsyncFunction = (async () => {}).constructor;
const seen = {};
for (const [name, source] of Object.entries(JSON.parse(require('fs').readFileSync(0, 'utf8')))) {
  try { seen[name] = String(await AsyncFunction('return ' + source)()) } catch (error) { seen[name] = String(error?.name) }
}
console.log(JSON.stringify(seen));
export {};`;
  const shown = await run('javascript', code, { stdin: Buffer.from(JSON.stringify(attempts)), args: [ownFile] });
  expect(shown).toMatchObject({ ending: 'exited', exitCode: 0 });
  return JSON.parse(shown.stdout);
}

const all = (attempts: object, seen: string) => Object.fromEntries(Object.keys(attempts).map((name) => [name, seen]));

describe.concurrent('a JavaScript program sees nothing of the host:', () => {
  test('its process, require and globals are those of the guest, by whatever constructor', async () => {
    const undefinedThere = {
      binding: `process.binding`,
      mainModule: `process.mainModule`,
      dlopen: `process.dlopen`,
      kill: `process.kill`,
      report: `process.report`,
      moduleCache: `require.cache`,
      builtin: `process.getBuiltinModule`,
      byFunction: `Function('return process')().binding`,
      byConstructor: `[].constructor.constructor('return process')().binding`,
      byLog: `console.log.constructor('return process')().binding`,
      byWrite: `process.stdout.write.constructor('return process')().binding`,
      byError: `new Error().constructor.constructor('return process')().binding`,
      byAsync: `(async () => {}).constructor('return process')().then((p) => p.binding)`,
      byGenerator: `(function* () {}).constructor('return process')().next().value.binding`,
      byEval: `(0, eval)('process').binding`,
      hostObject: `globalThis.host`,
      webAssembly: `globalThis.WebAssembly`,
      fetch: `globalThis.fetch`,
      worker: `globalThis.Worker`,
      deno: `globalThis.Deno`,
      bun: `globalThis.Bun`,
      std: `globalThis.std`,
      os: `globalThis.os`,
    };
    expect(await attempt(undefinedThere)).toEqual(all(undefinedThere, 'undefined'));
  });

  test('no modules of Node beyond the documented ones, and no files by import', async () => {
    const attempts = {
      childProcess: `require('child_process')`,
      net: `require('node:net')`,
      vm: `require('vm')`,
      worker: `require('worker_threads')`,
      module: `require('node:module')`,
      path: `require('/etc/passwd')`,
      importChildProcess: `import('node:child_process')`,
      importHttp: `import('http')`,
      importFile: `import('file:///etc/passwd')`,
      importPath: `import('/etc/passwd')`,
      importRelative: `import('../../etc/passwd')`,
      importData: `import('data:text/javascript,export default 1')`,
      importOwnFile: `import(process.argv[2])`,
      importGuest: `import('guest-host.js')`,
      importGuestRelative: `import('./guest-host.js')`,
      importGuestMain: `import('node:./guest-host.js')`,
      importPrototype: `import('node:__proto__')`,
      importConstructor: `import('constructor')`,
      requirePrototype: `require('__proto__')`,
      importJson: `import('/work/x.json', { with: { type: 'json' } })`,
    };
    const seen = await attempt(attempts);
    expect(seen).toEqual(all(attempts, 'Error'));
  });

  test('no files, by whatever path', async () => {
    const attempts = {
      passwd: `fs.readFileSync('/etc/passwd')`,
      up: `fs.readFileSync('../../../../etc/passwd')`,
      url: `fs.readFileSync(new URL('file:///etc/passwd'))`,
      object: `fs.readFileSync({ toString: () => '/etc/passwd' })`,
      bytes: `fs.readFileSync(Buffer.from('/etc/passwd'))`,
      proc: `fs.readFileSync('/proc/self/environ')`,
      ownFile: `fs.readFileSync(process.argv[2])`,
      list: `fs.readdirSync('/etc')`,
      nul: `fs.readFileSync('/etc/passwd\\0')`,
      rename: `fs.renameSync('/etc/passwd', '/work/x')`,
      promise: `fs.promises.readFile('/etc/passwd')`,
      long: `fs.readFileSync('x'.repeat(1e6))`,
      symbol: `fs.readFileSync(Symbol('x'))`,
      descriptor: `fs.readFileSync(3)`,
    };
    const seen = await attempt(attempts, `const fs = require('fs'); globalThis.fs = fs;`);
    for (const [name, error] of Object.entries(seen)) expect(error, name).toMatch(/Error$/);
    const trees = { root: `fs.readdirSync('/')`, above: `fs.readdirSync('/../..')`, dev: `fs.readdirSync('/dev')` };
    expect(await attempt(trees, `globalThis.fs = require('fs');`)).toEqual({
      root: 'work,tmp,dev',
      above: 'work,tmp,dev',
      dev: 'stdin,stdout,stderr,null',
    });
  });

  test('no environment, and no word about the machine in any error', async () => {
    const code = `
const errors = [];
const attempts = [
  () => require('fs').readFileSync('/none'), () => process.stdout.write(5), () => process.stdout.write({}), () => require('fs').writeFileSync('x', 5),
  () => require('x'), () => JSON.parse('{'), () => null.x, () => { (function f() { f() })() }, () => new Uint8Array(-1), () => structuredClone(() => {}),
  () => new URL('nonsense'), () => crypto.getRandomValues(1), () => require('fs').readFileSync({ toString() { throw new Error('mine') } }),
  () => setTimeout(), () => Buffer.from('x', 'nonsense'), () => { throw new Error('own') },
];
for (const attempt of attempts) { try { attempt() } catch (error) { errors.push(String(error?.stack), String(error?.message), ...Object.values(error ?? {}).map(String)) } }
for (const name of ['node:http', '/none.js', 'other://x', './x.js']) await import(name).catch((error) => errors.push(String(error.stack), String(error.message)));
console.log(JSON.stringify({ env: process.env, secret: process.env.${secret}, errors }));
export {};`;
    const shown = await run('javascript', code);
    const { env, errors } = JSON.parse(shown.stdout);
    expect(env).toEqual({});
    expect(errors.length).toBeGreaterThan(20);
    for (const text of errors)
      expect(text).not.toMatch(/node:internal|file:\/\/\/|\.ts\b|node_modules|guest-|quickjs|root|home/);
  });

  test('call sites and prepared stacks lead to no function of ours', async () => {
    const attempts = {
      functions: `stacks.flatMap((s) => s.map((f) => typeof f.getFunction?.())).filter((t) => t === 'function').length`,
      receivers: `stacks.flatMap((s) => s.map((f) => typeof f.getThis?.())).filter((t) => t === 'object').length`,
      caller: `(function f() { return f.caller })()`,
      callee: `(function () { return typeof arguments.callee.caller })()`,
    };
    const prelude = `
const stacks = []; globalThis.stacks = stacks;
Error.prepareStackTrace = (error, frames) => { stacks.push(frames); return '' };
new Error().stack; try { require('fs').readFileSync('/none') } catch {} try { process.stdout.write(1) } catch {}
Error.prepareStackTrace = undefined;`;
    const seen = await attempt(attempts, prelude);
    expect(Number(seen['receivers'])).toBe(0);
    expect(seen['caller'] === 'TypeError' || seen['caller'] === 'null' || seen['caller'] === 'undefined').toBe(true);
  });
});

describe.concurrent('whatever a JavaScript program does to its own world', () => {
  test.each([
    {
      name: 'poisons the prototypes',
      code: `Object.prototype.then = (f) => f(1); Object.prototype.toString = () => { throw 1 }; Array.prototype.push = Array.prototype.map = null; Map.prototype.get = null; console.log('up')`,
      stdout: /^(up\n)?$/,
    },
    {
      name: 'poisons JSON and promises',
      code: `JSON.parse = JSON.stringify = () => { throw 1 }; Promise.prototype.then = null; Promise = null; console.log('up')`,
      stdout: /^up\n$/,
    },
    {
      name: 'takes console and process away',
      code: `console.log('up'); delete globalThis.process; delete globalThis.console; globalThis.Error = null; throw 1`,
      stdout: /^up\n$/,
    },
    {
      name: 'throws what cannot be shown',
      code: `console.log('up'); throw { get message() { throw 1 }, get stack() { throw 2 }, get name() { throw 3 }, [Symbol.toPrimitive]() { throw 4 } }`,
      stdout: /^up\n$/,
    },
    {
      name: 'throws a proxy',
      code: `console.log('up'); throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })`,
      stdout: /^up\n$/,
    },
    {
      name: 'exits with nonsense',
      code: `console.log('up'); process.exit({ valueOf() { return 'x' } })`,
      stdout: /^up\n$/,
    },
    {
      name: 'exits while it exits',
      code: `process.on('exit', () => process.exit(9)); console.log('up'); process.exit(1)`,
      stdout: /^up\n$/,
    },
    {
      name: 'lies about a buffer',
      code: `class Lie extends Uint8Array { get length() { return 1e9 } get byteLength() { return 1e9 } get byteOffset() { return -5 } } process.stdout.write(new Lie(3)); console.log('up')`,
      stdout: /^\0{0,3}up\n$/,
    },
    {
      name: 'detaches a buffer that it writes',
      code: `const b = new Uint8Array(8); b.buffer.transfer?.(); try { process.stdout.write(b) } catch {} console.log('up')`,
      stdout: /^up\n$/,
    },
    {
      name: 'grows a buffer without end',
      code: `try { const b = new ArrayBuffer(8, { maxByteLength: 2 ** 31 - 1 }); b.resize(2 ** 31 - 1) } catch {} console.log('up')`,
      stdout: /^(up\n)?$/,
    },
    {
      name: 'blocks on an atomic',
      code: `try { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100) } catch {} console.log('up')`,
      stdout: /^up\n$/,
    },
    {
      name: 'replaces the timers',
      code: `globalThis.setTimeout = null; performance.now = () => { throw 1 }; console.log('up'); require('timers').setTimeout?.(() => {}, 1)`,
      stdout: /^up\n$/,
    },
    {
      name: 'writes lone surrogates',
      code: `process.stdout.write('up\\n'); process.stdout.write('\\ud800')`,
      stdout: /^up\n\ufffd/,
    },
  ])('$name: it ends by itself, alone', async ({ code, stdout }) => {
    const shown = await run('javascript', code);
    expect(['exited', 'memoryLimit']).toContain(shown.ending);
    expect(shown.stdout).toMatch(stdout);
    expect(shown.stderr).not.toMatch(/node:internal|file:\/\/\/|\.ts\b|node_modules/);
  });
});
