import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from './run.ts';

const secret = 'SECRET_OF_THE_PARENT';
const ownFile = fileURLToPath(import.meta.url);
let connections = 0;
const server = createServer((socket) => {
  connections += 1;
  socket.destroy();
});
let port = 0;

beforeAll(async () => {
  process.env[secret] = 'seen';
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(() => {
  delete process.env[secret];
  server.close();
});

/** Runs attempts of one line each and returns what each of them saw: its value, or the name of its error. */
async function attempt(attempts: Readonly<Record<string, string>>, prelude = ''): Promise<Record<string, string>> {
  const code = `
import json, os, sys
${prelude}
seen = {}
for name, source in json.loads(sys.stdin.read()).items():
    try: seen[name] = repr(eval(source))
    except BaseException as error: seen[name] = type(error).__name__
print(json.dumps(seen))`;
  const shown = await run('python', code, {
    stdin: Buffer.from(JSON.stringify(attempts)),
    args: [ownFile, String(port)],
  });
  expect(shown).toMatchObject({ ending: 'exited', exitCode: 0 });
  return JSON.parse(shown.stdout);
}

const all = (attempts: object, seen: string) => Object.fromEntries(Object.keys(attempts).map((name) => [name, seen]));

describe.concurrent('a Python program sees nothing of the host:', () => {
  test('no files, by whatever path', async () => {
    const missing = {
      passwd: `open('/etc/passwd')`,
      hosts: `os.stat('/etc/hosts')`,
      proc: `open('/proc/self/environ').read()`,
      maps: `open('/proc/self/maps').read()`,
      device: `open('/dev/mem')`,
      tty: `open('/dev/tty')`,
      thisFile: `open(sys.argv[1]).read()`,
      up: `open('../../../../../../etc/passwd')`,
      upFromTmp: `open('/tmp/../../../etc/passwd')`,
      upAndDown: `open('/work/../work/../../etc/passwd')`,
      dots: `open('/work/./.././/etc/passwd')`,
      fromDescriptor: `os.open('../../etc/passwd', os.O_RDONLY, dir_fd=os.open('/work', os.O_RDONLY))`,
      start: `open('/start/program')`,
      startScript: `open('/start/sitecustomize.py')`,
      module: `open('/python.wasm')`,
      home: `os.listdir(os.path.expanduser('~') + '/root')`,
      unicode: `open('/\\u2024\\u2024/etc/passwd')`,
      backslash: `open('..\\\\..\\\\etc\\\\passwd')`,
      url: `open('file:///etc/passwd')`,
      hardLink: `os.link('/etc/passwd', 'x')`,
      rename: `os.rename('/etc/passwd', 'x')`,
      chdir: `os.chdir('/etc')`,
    };
    expect(await attempt(missing)).toEqual(all(missing, 'FileNotFoundError'));
    const others = {
      root: `sorted(os.listdir('/'))`,
      aboveRoot: `sorted(os.listdir('/../..'))`,
      devices: `sorted(os.listdir('/dev'))`,
      temporary: `os.listdir('/tmp')`,
      symbolicLink: `os.symlink('/etc', 'link')`,
      readLink: `os.readlink('/work')`,
      realPath: `os.path.realpath('/work/../../..')`,
      nul: `open('/etc/passwd\\0.txt')`,
      invalid: `open(b'/\\xff\\xfe')`,
      long: `open('x' * 300)`,
      longPath: `open('../' * 5000)`,
    };
    expect(await attempt(others)).toEqual({
      root: `['dev', 'tmp', 'work']`,
      aboveRoot: `['dev', 'tmp', 'work']`,
      devices: `['null', 'stderr', 'stdin', 'stdout']`,
      temporary: '[]',
      symbolicLink: 'OSError',
      readLink: 'OSError',
      realPath: `'/'`,
      nul: 'ValueError',
      invalid: 'OSError',
      long: 'OSError',
      longPath: 'OSError',
    });
  });

  test('no environment, no names, no descriptors but its own', async () => {
    const attempts = {
      environment: `dict(os.environ)`,
      secret: `os.getenv('${secret}')`,
      path: `os.getenv('PATH')`,
      arguments: `len(sys.argv), len(sys.orig_argv)`,
      host: `os.uname().nodename`,
      uptime: `__import__('time').monotonic() < 60`,
      executable: `sys.executable`,
      descriptors: `[fd for fd in range(1024) if exists(fd)]`,
      fourth: `os.write(4, b'x')`,
      control: `os.read(3, 10)`,
      parent: `os.getppid()`,
      user: `os.getuid()`,
      processes: `os.kill(1, 9)`,
    };
    const prelude = `
def exists(fd):
    try: return bool(os.fstat(fd))
    except OSError: return False`;
    expect(await attempt(attempts, prelude)).toEqual({
      environment: '{}',
      secret: 'None',
      path: 'None',
      arguments: '(3, 5)',
      host: `'(none)'`,
      uptime: 'True',
      executable: `''`,
      // The root directory, and the standard library inside the module.
      descriptors: '[0, 1, 2, 3, 4]',
      fourth: 'OSError',
      control: 'IsADirectoryError',
      parent: 'AttributeError',
      user: 'AttributeError',
      processes: 'AttributeError',
    });
  });

  test('no network', async () => {
    const attempts = {
      connect: `__import__('socket').create_connection(('127.0.0.1', int(sys.argv[2])), 2)`,
      name: `__import__('socket').getaddrinfo('localhost', 80)`,
      listen: `__import__('socket').socket().bind(('127.0.0.1', 0))`,
      datagram: `__import__('socket').socket(2, 2).sendto(b'x', ('127.0.0.1', 53))`,
      local: `__import__('socket').socketpair()`,
      http: `__import__('urllib.request').request.urlopen(f'http://127.0.0.1:{sys.argv[2]}/').read()`,
      metadata: `__import__('http.client').client.HTTPConnection('169.254.169.254', timeout=2).request('GET', '/')`,
      adopted: `[__import__('socket').socket(fileno=fd) for fd in range(64)]`,
    };
    const seen = await attempt(attempts);
    for (const [name, error] of Object.entries(seen)) expect(error, name).toMatch(/Error$/);
    expect(connections).toBe(0);
  });

  test('no processes, no native code, no way to JavaScript', async () => {
    const attempts = {
      system: `os.system('id')`,
      popen: `os.popen('id').read()`,
      run: `__import__('subprocess').run(['id'])`,
      fork: `os.fork()`,
      exec: `os.execv('/bin/sh', ['sh'])`,
      spawn: `os.posix_spawn('/bin/sh', ['sh'], {})`,
      pty: `__import__('pty').spawn('/bin/sh')`,
      thread: `__import__('threading').Thread(target=print).start()`,
      ctypes: `__import__('ctypes').CDLL(None)`,
      ffi: `__import__('_ctypes')`,
      mmap: `__import__('mmap')`,
      shared: `__import__('multiprocessing').shared_memory`,
      pyodide: `__import__('js')`,
      extension: `__import__('imp').load_dynamic('x', '/x.so')`,
      loader: `__import__('importlib.machinery').machinery.ExtensionFileLoader('x', '/x.so').load_module()`,
      mounts: `os.mount`,
      root: `os.chroot('/')`,
    };
    const seen = await attempt(attempts);
    for (const [name, error] of Object.entries(seen)) expect(error, name).toMatch(/(Error|NotFound|Exception)$/);
  });

  test('offsets and names that make no sense are errors of the program', async () => {
    const attempts = {
      seekBack: `os.lseek(fd, -1, 0)`,
      seekFar: `os.lseek(fd, 1 << 62, 0)`,
      seekOdd: `os.lseek(fd, 0, 99)`,
      readBefore: `os.pread(fd, 1, -1)`,
      readFar: `os.pread(fd, 1, 1 << 50)`,
      writeBefore: `os.pwrite(fd, b'x', -1)`,
      writeFar: `os.pwrite(fd, b'x', 1 << 60)`,
      shrink: `os.ftruncate(fd, -1)`,
      grow: `os.ftruncate(fd, 1 << 62)`,
      allocate: `os.posix_fallocate(fd, 0, 1 << 60)`,
      seekInput: `os.lseek(0, 1, 0)`,
      intoItself: `os.rename('/work', '/work/x')`,
      overParent: `os.rename('/work/main.py', '/work')`,
      theRoot: `os.rename('/', '/tmp/x')`,
      removeRoot: `os.rmdir('/')`,
      removeDot: `os.rmdir('.')`,
      removeDotDot: `os.rmdir('..')`,
      fileAsDirectory: `open('main.py/x')`,
      writeDirectory: `open('/work', 'w')`,
      writeToRead: `os.write(os.open('main.py', os.O_RDONLY), b'x')`,
      readToWrite: `os.read(os.open('main.py', os.O_WRONLY), 1)`,
      closed: `os.close(999)`,
      negative: `os.fstat(-1)`,
      huge: `os.read(fd, 1 << 31)`,
    };
    const seen = await attempt(attempts, `fd = os.open('f', os.O_CREAT | os.O_RDWR)`);
    const kinds = Object.fromEntries(
      Object.entries(seen).map(([name, value]) => [name, /Error$/.test(value) ? 'error' : value]),
    );
    expect(kinds).toEqual({ ...all(attempts, 'error'), readFar: `b''`, seekFar: 'error' });
  });

  test('a program may destroy its whole tree and goes on', async () => {
    const code = `
import os, shutil
for name in os.listdir('/'): shutil.rmtree('/' + name, ignore_errors=True)
print(os.listdir('/'))
try: open('x', 'w')
except OSError as e: print(type(e).__name__)
os.mkdir('/new'); open('/new/x', 'w').write('y'); print(open('/new/x').read())`;
    expect(await run('python', code)).toMatchObject({ exitCode: 0, stdout: `[]\nFileNotFoundError\ny\n`, stderr: '' });
  });
});

describe.concurrent('an interpreter that a Python program breaks', () => {
  test.each([
    {
      name: 'with bytecode of its own',
      code: `import types\nf = lambda: 0\nf.__code__ = f.__code__.replace(co_code=b'\\x7c\\xff' * 50, co_stacksize=1)\nf()`,
    },
    { name: 'by a signal', code: `import signal\nsignal.raise_signal(9)` },
    { name: 'by reading address zero', code: `import faulthandler\nfaulthandler._read_null()` },
    { name: 'by a fatal error', code: `import faulthandler\nfaulthandler._fatal_error_c_thread()` },
    { name: 'by overflowing its C stack', code: `import faulthandler\nfaulthandler._stack_overflow()` },
  ])('$name ends alone, as a program that failed', async ({ code }) => {
    const shown = await run('python', `print('up', flush=True)\n${code}\n`);
    expect(shown.ending).toBe('exited');
    expect(shown.stdout).toMatch(/^up\n/);
    expect(shown.stderr).not.toMatch(/node:|file:|\.ts/);
  });
});
