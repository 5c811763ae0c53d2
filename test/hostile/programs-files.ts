import { attempts, refused } from './attempts.ts';
import { everywhere, failed, memoryLimit, type Program, succeeded, timedOut, within } from './program.ts';

/** It tells the kernel's error by its name: the numbers of WebAssembly are others. */
const stderr = { is: 'ENOSPC\n' };
const full = { endings: failed(1), stderr };

/** Programs that fill or leave their file system. */
export const filePrograms: readonly Program[] = [
  {
    threat: 8,
    name: 'a full work directory',
    language: 'python',
    code: `
import errno
try:
    with open("big", "wb") as file:
        while True: file.write(bytes(1 << 20))
except OSError as error:
    raise SystemExit(errno.errorcode[error.errno])`,
    expected: everywhere({ ...full, ...within(10) }),
  },
  {
    threat: 9,
    name: 'every directory it may write to, filled',
    language: 'python',
    code: `
import os
for top, _, _ in os.walk("/"):
    if top.startswith(("/proc", "/sys")): continue
    try:
        with open(top + "/big", "wb") as file:
            print(top, flush=True)
            while True: file.write(bytes(1 << 20))
    except OSError: pass`,
    expected: {
      kubernetes: { endings: memoryLimit, stdout: { like: [/^((\/dev\/shm|\/tmp|\/work)\n)+$/] }, ...within(15) },
      wasm: { endings: succeeded, stdout: { like: [/^(\/(dev|tmp|work)?\n){4}$/] }, ...within(5) },
    },
  },
  {
    threat: 10,
    name: 'ten million empty files',
    language: 'python',
    code: `
import errno, os
os.mkdir("many")
try:
    for number in range(10_000_000): os.close(os.open(f"many/{number}", os.O_CREAT | os.O_WRONLY))
except OSError as error:
    raise SystemExit(errno.errorcode[error.errno])`,
    request: { timeoutSeconds: 5 },
    expected: {
      kubernetes: { endings: [...failed(1), ...memoryLimit, ...timedOut], ...within(12) },
      wasm: { ...full, ...within(6) },
    },
  },
  {
    threat: 11,
    name: 'a sparse file of a terabyte, written here and there until it is full',
    language: 'python',
    code: `
import errno
try:
    with open("sparse", "wb", buffering=0) as file:
        file.truncate(1 << 40)
        for place in range(0, 1 << 40, 1 << 20):
            file.seek(place)
            file.write(b"x")
except OSError as error:
    raise SystemExit(errno.errorcode[error.errno])`,
    request: { timeoutSeconds: 5 },
    expected: {
      kubernetes: { endings: [...failed(1), ...memoryLimit, ...timedOut], ...within(12) },
      wasm: { endings: failed(1), stderr: { like: [/^(ENOSPC|EFBIG)\n$/] }, ...within(6) },
    },
  },
  {
    threat: 11,
    name: 'directories ten thousand deep',
    language: 'python',
    code: `
import os
try:
    for _ in range(10_000):
        os.mkdir("d")
        os.chdir("d")
except OSError: pass
print("dug")`,
    request: { timeoutSeconds: 5 },
    expected: everywhere({ endings: [...succeeded, ...memoryLimit, ...timedOut], ...within(12) }),
  },
  {
    threat: 12,
    name: 'a decompression bomb into a file',
    language: 'python',
    code: `
import errno, gzip, shutil
with gzip.open("bomb", "wb") as bomb:
    for _ in range(200): bomb.write(bytes(1 << 20))
try:
    with gzip.open("bomb") as bomb, open("big", "wb") as file: shutil.copyfileobj(bomb, file)
except OSError as error:
    raise SystemExit(errno.errorcode[error.errno])`,
    request: { timeoutSeconds: 8 },
    expected: { kubernetes: { ...full, ...within(12) } },
  },
  {
    threat: 26,
    name: 'links out of the work directory',
    language: 'python',
    code: attempts({
      etc: 'os.symlink("/etc", "etc") or open("etc/planted", "w")',
      root: 'os.symlink("/", "root") or open("root/planted", "w")',
      execution: 'os.symlink("/execution", "input") or open("input/planted", "w")',
      hostRoot: 'open("/proc/1/root/etc/planted", "w")',
      hardLink: 'os.link("/etc/passwd", "passwd")',
      replaceWork: 'os.rename("/work", "/worn")',
    }),
    expected: {
      kubernetes: {
        endings: succeeded,
        stdout: refused(['etc', 'root', 'execution', 'hostRoot', 'hardLink', 'replaceWork']),
        ...within(3),
      },
    },
  },
  {
    threat: 26,
    name: 'a race of renames with links in it, until the end',
    language: 'python',
    code: `
import os
print("begun", flush=True)
os.symlink("/proc/1", "a")
os.mkdir("b")
if os.fork() == 0: os.fork()
while True:
    try:
        os.rename("a", "c")
        os.rename("b", "a")
        os.rename("c", "b")
    except OSError: pass`,
    request: { timeoutSeconds: 2 },
    expected: { kubernetes: { endings: timedOut, stdout: { is: 'begun\n' }, ...within(5) } },
  },
  {
    threat: 27,
    name: 'writes to system files and to its own input',
    language: 'python',
    code: attempts({
      passwd: 'open("/etc/passwd", "a")',
      usr: 'open("/usr/bin/planted", "w")',
      interpreter: 'open(sys.executable, "r+b")',
      root: 'os.mkdir("/planted")',
      bundle: 'open("/execution/bundle", "r+b")',
      input: 'open("/execution/planted", "w")',
      removal: 'os.unlink("/execution/bundle")',
      sysctl: 'open("/proc/sys/kernel/hostname", "w").write("x")',
      cgroup: 'open("/sys/fs/cgroup/memory/memory.limit_in_bytes", "w").write("-1")',
    }),
    expected: {
      kubernetes: {
        endings: succeeded,
        stdout: refused(['passwd', 'usr', 'interpreter', 'root', 'bundle', 'input', 'removal', 'sysctl', 'cgroup']),
        ...within(3),
      },
    },
  },
  {
    threat: 43,
    name: 'a look for what the execution before it left',
    language: 'python',
    before: `
import os
for top in ("/work", "/tmp", "/dev/shm"):
    if os.path.isdir(top): open(top + "/left", "w").write("canary")`,
    code: `
import glob, os
print(*glob.glob("/work/*"), *glob.glob("/tmp/*"), *glob.glob("/dev/shm/*"))
print(os.path.exists("/execution/left"))`,
    expected: {
      kubernetes: { endings: succeeded, stdout: { is: '/work/main.py\nFalse\n' }, ...within(8) },
      wasm: { endings: succeeded, stdout: { is: '/work/main.py\nFalse\n' }, ...within(3) },
    },
  },
];
