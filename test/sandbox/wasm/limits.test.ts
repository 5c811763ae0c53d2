import { describe, expect, test } from 'vitest';
import { checkMemoryLimit, limitMemories } from '../../../src/sandbox/wasm/memory-limit.ts';
import type { WasmLanguage } from '../../../src/sandbox/wasm/program.ts';
import { minimumMemoryMiB } from '../../../src/sandbox/wasm/program.ts';
import { spawnSandbox } from '../../../src/sandbox/wasm/spawn.ts';
import { mebibytes, noFiles, run, runRaw } from './run.ts';

const timedOut = { ending: 'timedOut', exitCode: 137 };

describe.concurrent('the time limit ends', () => {
  test.each<{ name: string; language: WasmLanguage; code: string }>([
    { name: 'a loop', language: 'python', code: `print('up', end='')\nwhile True: pass` },
    { name: 'a sleep', language: 'python', code: `print('up', end='')\nimport time\ntime.sleep(1000)` },
    {
      name: 'a slow regular expression',
      language: 'python',
      code: `print('up', end='')\nimport re\nre.match('(a+)+$', 'a' * 60 + 'b')`,
    },
    {
      name: 'a destructor without end',
      language: 'python',
      code: `class A:\n  def __del__(self):\n    while True: pass\na = A()\nprint('up', end='')`,
    },
    {
      name: 'an exit handler without end',
      language: 'python',
      code: `import atexit\n@atexit.register\ndef f():\n  while True: pass\nprint('up', end='')`,
    },
    { name: 'a big number', language: 'python', code: `print('up', end='')\n10 ** 10 ** 10` },
    { name: 'a loop', language: 'javascript', code: `process.stdout.write('up'); for (;;);` },
    { name: 'a timer far away', language: 'javascript', code: `process.stdout.write('up'); setTimeout(() => {}, 1e9)` },
    {
      name: 'timers without end',
      language: 'javascript',
      code: `process.stdout.write('up'); setInterval(() => {}, 1)`,
    },
    {
      name: 'microtasks without end',
      language: 'javascript',
      code: `process.stdout.write('up'); for (;;) await null;`,
    },
    {
      name: 'a slow regular expression',
      language: 'javascript',
      code: `process.stdout.write('up'); /(a+)+$/.test('a'.repeat(60) + 'b')`,
    },
    {
      name: 'a getter of a thrown value',
      language: 'javascript',
      code: `process.stdout.write('up'); throw { get message() { for (;;); } }`,
    },
  ])('$name in $language and keeps what was printed', async ({ language, code }) => {
    expect(await run(language, code, { timeoutSeconds: 1.5 })).toEqual({ ...timedOut, stdout: 'up', stderr: '' });
  });

  test('a flood, which is counted up to that moment', async () => {
    const code = `while True: print('x' * 1000)`;
    const { ending, stdout } = await runRaw('python', code, { timeoutSeconds: 1.5, maxStdoutBytes: 2002 });
    expect(ending).toBe('timedOut');
    expect(Buffer.from(stdout.bytes).toString()).toBe(`${'x'.repeat(1000)}\n`.repeat(2));
    expect(stdout.totalBytes).toBeGreaterThan(2002);
  });
});

const hungry: Record<WasmLanguage, { small: string; one: string; caught: string }> = {
  python: {
    small: `held = []\nwhile True: held.append([])`,
    one: `print('up')\nbytearray(1 << 30)`,
    caught: `try: bytearray(1 << 30)\nexcept MemoryError: print('caught')`,
  },
  javascript: {
    small: `const held = []; for (;;) held.push({})`,
    one: `console.log('up'); new ArrayBuffer(1 << 30)`,
    caught: `try { new ArrayBuffer(1 << 30) } catch (error) { console.log('caught') }`,
  },
};

describe.concurrent.each(['python', 'javascript'] as const)('the memory limit of %s', (language) => {
  const memoryLimitBytes = mebibytes(48);
  const { small, one, caught } = hungry[language];

  test('ends a program that takes little by little', async () => {
    expect(await run(language, small, { memoryLimitBytes })).toMatchObject({ ending: 'memoryLimit' });
  });

  test('ends a program that takes too much at once, and keeps what was printed', async () => {
    const shown = await run(language, one, { memoryLimitBytes });
    expect(shown).toMatchObject({ ending: 'memoryLimit', stdout: 'up\n' });
  });

  test('is an error that a program may catch', async () => {
    expect(await run(language, caught, { memoryLimitBytes })).toMatchObject({ ending: 'exited', stdout: 'caught\n' });
  });

  test('lets a program be that takes a little less', async () => {
    const bytes = mebibytes(28);
    const code = {
      python: `print(len(bytearray(${bytes})))`,
      javascript: `console.log(new Uint8Array(${bytes}).length)`,
    };
    const shown = await run(language, code[language], { memoryLimitBytes });
    expect(shown).toEqual({ ending: 'exited', exitCode: 0, stdout: `${bytes}\n`, stderr: '' });
  });

  test('may be higher than WebAssembly reaches', async () => {
    const code = { python: `print(1)`, javascript: `console.log(1)` }[language];
    expect(await run(language, code, { memoryLimitBytes: mebibytes(16_384) })).toMatchObject({
      stdout: '1\n',
      stderr: '',
    });
  });

  test('may be as low as the minimum that is named', async () => {
    const code = {
      python: `import json, re, math, datetime, collections\nprint(json.dumps([re.sub('a', 'b', 'a')]))`,
      javascript: `import { readFileSync } from 'node:fs'; console.log([readFileSync(0, 'utf8')], new URL('a:b').href)`,
    };
    const shown = await run(language, code[language], { memoryLimitBytes: mebibytes(minimumMemoryMiB[language]) });
    expect(shown).toMatchObject({ ending: 'exited', exitCode: 0, stderr: '' });
  });
});

test('the bound on memories holds for those that exist', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  limitMemories(2 * 65_536);
  expect(memory.grow(1)).toBe(1);
  expect(() => memory.grow(1)).toThrow(RangeError);
  checkMemoryLimit();
  expect(memory.grow(1)).toBe(2);
});

test('an error about memory that no limit caused is the program’s own', async () => {
  const nested = await run('python', `eval('(' * 100000)`);
  expect(nested).toMatchObject({ ending: 'exited', exitCode: 1 });
  expect(nested.stderr).toContain('MemoryError: Parser stack overflowed');
  const own = await run('python', `raise MemoryError('mine')`);
  expect(own).toMatchObject({ ending: 'exited', exitCode: 1 });
});

describe.concurrent('deep recursion', () => {
  test('is an error in Python', async () => {
    const code = `
import json
def f(): f()
for attempt in (f, lambda: json.loads('[' * 100000), lambda: eval('-' * 100000 + '1')):
    try: attempt()
    except (RecursionError, MemoryError) as error: print(type(error).__name__)`;
    expect(await run('python', code)).toMatchObject({ stdout: 'RecursionError\nRecursionError\nMemoryError\n' });
  });

  test('that breaks the interpreter ends the program alone', async () => {
    const code = `x = ()\nfor _ in range(1000000): x = (x,)\nprint('up')\nhash(x)`;
    const shown = await run('python', code, { memoryLimitBytes: mebibytes(256) });
    expect(shown).toMatchObject({ ending: 'exited', exitCode: 134, stdout: 'up\n' });
    expect(shown.stderr).toMatch(/^python: aborted: [\w ]+\n$/);
  });

  test('is an error in JavaScript, however it comes about', async () => {
    const code = `
const attempts = {
  call() { (function f() { return f() + 1 })() },
  getter() { (function g() { return JSON.stringify({ get a() { return g() } }) })() },
  json() { JSON.parse('['.repeat(1e5)) },
  source() { eval('('.repeat(1e5)) },
  text() { class A { toString() { return \`\${this}\` } } \`\${new A()}\` },
  proxy() { let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x },
  sort() { (function s() { [3, 1, 2].sort(s) })() },
  nested() { let x = []; for (let i = 0; i < 1e5; i++) x = [x]; String(x) },
};
for (const [name, attempt] of Object.entries(attempts)) {
  try { attempt(); console.log(name) } catch (error) { console.log(error.name) }
}`;
    const shown = await run('javascript', code, { memoryLimitBytes: mebibytes(128) });
    expect(shown).toMatchObject({ ending: 'exited', exitCode: 0, stdout: 'RangeError\n'.repeat(8) });
  });
});

describe.concurrent('files in memory', () => {
  test('hold no more than the limit, and are an error beyond it', async () => {
    const code = `
import errno, os
chunk = b'x' * (1 << 20)
try:
    with open('big', 'wb', buffering=0) as f:
        for n in range(100): f.write(chunk)
except OSError as e: print(e.errno == errno.ENOSPC, 60 <= n <= 64)
os.remove('big')
try:
    for n in range(50000): open(f'/tmp/{n}', 'w').close()
except OSError as e: print(e.errno == errno.ENOSPC, n < 20000)
for name in os.listdir('/tmp'): os.remove(f'/tmp/{name}')
for size in (1 << 32, 1 << 62):
    try: os.truncate('main.py', size)
    except OSError as e: print(e.errno == errno.ENOSPC or e.errno == errno.EFBIG)
with open('big', 'wb') as f: f.write(chunk)
print(os.path.getsize('big'))`;
    expect(await run('python', code)).toMatchObject({
      stdout: 'True True\nTrue True\nTrue\nTrue\n1048576\n',
      stderr: '',
    });
  });

  test('are open at most a thousand at a time', async () => {
    const code = `
held = []
try:
    for _ in range(5000): held.append(open('main.py'))
except OSError as e: print(e.strerror, len(held) < 1024)`;
    expect((await run('python', code)).stdout).toBe('No file descriptors available True\n');
  });
});

describe.concurrent('a child', () => {
  test('is killed on demand, with what it had printed', async ({ expect }) => {
    const child = spawnSandbox('python');
    await child.ready;
    const code = Buffer.from(`print('up', flush=True)\nwhile True: pass`);
    const limits = { timeoutSeconds: 25, memoryLimitBytes: mebibytes(64), maxStdoutBytes: 100, maxStderrBytes: 100 };
    const ending = child.run({ code, args: [], env: {}, stdin: new Uint8Array(), ...noFiles, ...limits });
    await expect.poll(() => Buffer.from(child.output().stdout.bytes).toString(), { timeout: 20_000 }).toBe('up\n');
    await child.kill();
    expect(await ending).toMatchObject({ ending: 'killed', exitCode: 137, stdout: { totalBytes: 3 } });
  });

  test('that is killed before it has a program is never ready', async () => {
    const child = spawnSandbox('javascript');
    const ready = expect(child.ready).rejects.toThrow('did not start');
    await child.kill();
    await ready;
    expect(child.hasEnded()).toBe(true);
  });
});
