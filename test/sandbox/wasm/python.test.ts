import { describe, expect, test } from 'vitest';
import { run } from './run.ts';

const ended = { ending: 'exited', exitCode: 0, stderr: '' };

describe.concurrent('a Python program', () => {
  test('has its arguments, its environment, its stdin and a work directory', async () => {
    const code = `
import os, sys
print(sys.argv, sys.orig_argv[-1], dict(os.environ), os.getcwd(), sys.path[0], __file__, __name__)
print(repr(sys.stdin.read()), sys.stdin.isatty(), sys.stdout.isatty(), sys.stdout.encoding)
print(sorted(os.listdir('/')), os.listdir('.'), os.getenv('X'), os.environ.get('PYTHONPATH'))`;
    const args = ['--n=1', '', 'é ü'];
    const shown = await run('python', code, { args, env: { X: 'ÿ', EMPTY: '' }, stdin: Buffer.from('a\nb') });
    expect(shown).toEqual({
      ...ended,
      stdout: [
        `['/work/main.py', '--n=1', '', 'é ü'] é ü {'X': 'ÿ', 'EMPTY': ''} /work /work /work/main.py __main__`,
        `'a\\nb' False False utf-8`,
        `['dev', 'tmp', 'work'] ['main.py'] ÿ None\n`,
      ].join('\n'),
    });
  });

  test('works with files as on any POSIX system', async () => {
    const code = `
import glob, os, pathlib, shutil, stat, tempfile, time
with open('a', 'w') as f: f.write('héllo\\n')
with open('a', 'a') as f: f.write('more')
assert open('a').read() == 'héllo\\nmore'
with open('a', 'r+b') as f:
    f.seek(2); f.write(b'QQ'); f.seek(0, 2); assert f.tell() == 11; f.truncate(4)
assert open('a', 'rb').read() == b'h\\xc3QQ' and os.path.getsize('a') == 4
with open('a', 'r+b') as f: f.truncate(6)
assert open('a', 'rb').read() == b'h\\xc3QQ\\0\\0'
with open('sparse', 'wb') as f: f.seek(5); f.write(b'x')
assert open('sparse', 'rb').read() == b'\\0' * 5 + b'x'
try: open('a', 'x'); assert False
except FileExistsError: pass
os.makedirs('d/e/f'); open('d/e/g', 'w').close()
assert [(r, sorted(d), sorted(f)) for r, d, f in os.walk('d')] == [('d', ['e'], []), ('d/e', ['f'], ['g']), ('d/e/f', [], [])]
os.rename('d/e', 'd/h'); assert os.path.isdir('d/h/f') and not os.path.exists('d/e')
try: os.rmdir('d'); assert False
except OSError as e: assert e.strerror == 'Directory not empty', e
shutil.rmtree('d'); assert not os.path.exists('d')
for i in range(300): open(f'n{i}', 'w').close()
for e in os.scandir('.'):
    if e.name.startswith('n'): os.unlink(e)
assert glob.glob('n*') == []
s = os.stat('a'); assert stat.S_ISREG(s.st_mode) and s.st_nlink == 1 and abs(s.st_mtime - time.time()) < 60
os.utime('a', (1, 2)); assert (os.stat('a').st_atime, os.stat('a').st_mtime) == (1, 2)
os.link('a', 'b'); os.replace('b', 'c'); os.remove('a'); assert pathlib.Path('c').resolve() == pathlib.Path('/work/c')
shutil.copytree('/work', '/tmp/copy'); shutil.move('/tmp/copy/c', '/tmp/moved'); assert os.path.exists('/tmp/moved')
with tempfile.TemporaryFile() as f: f.write(b'1'); f.seek(0); assert f.read() == b'1'
with tempfile.TemporaryDirectory() as t: open(os.path.join(t, 'x'), 'w').write('x')
with open(os.devnull, 'w') as f: f.write('x')
os.chdir('/tmp'); open('rel', 'w').close(); assert os.path.exists('/tmp/rel')
print('ok')`;
    expect(await run('python', code)).toEqual({ ...ended, stdout: 'ok\n' });
  });

  test('has clocks, sleep, entropy and the modules that ordinary programs import', async () => {
    const code = `
import time, random, os, uuid, secrets
before = time.monotonic(); time.sleep(0.2); assert 0.19 < time.monotonic() - before < 20
assert time.time() > 1.6e9 and time.process_time() > 0 and time.get_clock_info('monotonic').resolution < 1
assert random.random() != random.random() and os.urandom(16) != os.urandom(16) and uuid.uuid4() != uuid.uuid4()
import select
assert select.select([0], [1], [], 9) == ([0], [1], []) and select.select([], [], [], 0.01) == ([], [], [])
import argparse, base64, collections, csv, dataclasses, datetime, decimal, difflib, enum, fractions, functools, hashlib
import heapq, html, io, itertools, json, logging, math, operator, pickle, pprint, re, sqlite3, statistics, string, struct
import textwrap, traceback, typing, unittest, xml.etree.ElementTree, zipfile, zlib
assert json.loads(json.dumps({'a': [1, 2.5, None, 'é']}))['a'][3] == 'é'
assert hashlib.sha256(b'').hexdigest().startswith('e3b0c442')
assert sqlite3.connect(':memory:').execute('select 1 + 1').fetchone() == (2,)
print('ok')`;
    expect(await run('python', code)).toEqual({ ...ended, stdout: 'ok\n' });
  });

  test('runs asyncio, although there are no sockets to wake it with', async () => {
    const code = `
import asyncio
async def main():
    print(await asyncio.gather(*[asyncio.sleep(0.01 * i, i) for i in range(4)]))
    try: await asyncio.wait_for(asyncio.sleep(9), 0.05)
    except TimeoutError: print('timeout')
    async with asyncio.TaskGroup() as group: group.create_task(asyncio.sleep(0.01))
    asyncio.get_running_loop().call_later(0.01, print, 'later'); await asyncio.sleep(0.05)
asyncio.run(main())`;
    expect(await run('python', code)).toEqual({ ...ended, stdout: '[0, 1, 2, 3]\ntimeout\nlater\n' });
  });

  test.each([
    {
      name: 'an uncaught error',
      code: 'x = 1\n1 / 0',
      exitCode: 1,
      error: /line 2, in <module>\n {4}1 \/ 0\n.*ZeroDivisionError/s,
    },
    { name: 'a syntax error', code: 'print(', exitCode: 1, error: /File "\/work\/main.py", line 1\n.*SyntaxError/s },
    { name: 'sys.exit with a text', code: 'import sys; sys.exit("no")', exitCode: 1, error: /^no\n$/ },
    { name: 'sys.exit with a number', code: 'import sys; sys.exit(-1)', exitCode: 255, error: /^$/ },
    { name: 'os._exit', code: 'import os; print(1); os._exit(7)', exitCode: 7, error: /^$/ },
    { name: 'os.abort', code: 'import os; os.abort()', exitCode: 134, error: /^python: aborted: unreachable\n$/ },
    {
      name: 'a missing module',
      code: 'import numpy',
      exitCode: 1,
      error: /ModuleNotFoundError: No module named 'numpy'/,
    },
  ])('ends by $name as CPython does', async ({ code, exitCode, error }) => {
    const shown = await run('python', code);
    expect(shown).toMatchObject({ ending: 'exited', exitCode });
    expect(shown.stderr).toMatch(error);
  });

  test('leaves no trace of how it was started', async () => {
    const code = `
import os, sys
print(sys.dont_write_bytecode, [p for p in sys.path if 'start' in p], [p for p in sys.path_importer_cache if 'start' in p])
import helper
print(helper.x, os.listdir('/work/__pycache__') != [])`;
    const withHelper = `open('/work/helper.py', 'w').write('x = 1')\n${code}`;
    expect(await run('python', withHelper)).toEqual({ ...ended, stdout: 'False [] []\n1 True\n' });
  });
});
