import { attempts, refused } from './attempts.ts';
import { type Program, succeeded, within } from './program.ts';

const unimplemented = 'EPERM|ENOSYS|EACCES|ENODEV|EINVAL|ENOTSUP';

interface Attempt {
  readonly threat: Program['threat'];
  readonly name: string;
  /** Expressions of Python by name. */
  readonly tries: Readonly<Record<string, string>>;
  readonly errors?: string;
}

/** A program on Kubernetes that lives on whatever it was refused, and tells. */
function attempt({ threat, name, tries, errors }: Attempt): Program {
  return {
    ...{ threat, name, language: 'python', code: attempts(tries) },
    expected: { kubernetes: { endings: succeeded, stdout: refused(Object.keys(tries), errors), ...within(4) } },
  };
}

/** Programs that reach for the kernel. System calls have the numbers of x86-64. */
export const kernelPrograms: readonly Program[] = [
  attempt({
    threat: 35,
    name: 'ICMP, raw and packet sockets',
    tries: {
      icmp: 'socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)',
      raw: 'socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)',
      raw6: 'socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58)',
      packet: 'socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))',
    },
    errors: 'EPERM|EACCES|EAFNOSUPPORT',
  }),
  attempt({
    threat: 36,
    name: 'mount, unshare, pivot_root, chroot, setns',
    tries: {
      mount: 'syscall(165, b"none", b"/work", b"tmpfs", 0, 0)',
      bind: 'syscall(165, b"/proc/1/root", b"/work", 0, 4096, 0)',
      remount: 'syscall(165, 0, b"/", 0, 32, 0)',
      unmount: 'syscall(166, b"/execution", 0)',
      mounts: 'syscall(272, 0x20000)',
      network: 'syscall(272, 0x40000000)',
      processes: 'syscall(272, 0x20000000)',
      pivot: 'syscall(155, b"/work", b"/work")',
      chroot: 'os.chroot("/work")',
      setns: 'syscall(308, os.open("/proc/1/ns/net", 0), 0)',
    },
    errors: unimplemented,
  }),
  {
    threat: 36,
    name: 'a user namespace of its own, and what it would be good for',
    language: 'python',
    code: attempts({
      user: 'syscall(272, 0x10000000)',
      passwd: 'open("/etc/passwd", "a")',
      remount: 'syscall(165, 0, b"/", 0, 32, 0)',
      unmount: 'syscall(166, b"/execution", 0)',
      device: 'os.mknod("mem", 0o20666, os.makedev(1, 1))',
    }),
    expected: {
      kubernetes: {
        endings: succeeded,
        stdout: {
          like: [
            /^user .*\npasswd (EROFS|EACCES|EPERM)\nremount (EPERM|EINVAL)\nunmount (EPERM|EINVAL)\ndevice (EPERM|EACCES)\n$/,
          ],
        },
        ...within(4),
      },
    },
  },
  attempt({
    threat: 37,
    name: 'other users and their files',
    tries: {
      root: 'os.setuid(0)',
      group: 'os.setgid(0)',
      groups: 'os.setgroups([0])',
      su: 'subprocess.run(["su", "-c", "true"], stdin=0, stderr=-3, check=True)',
      sudo: 'subprocess.run(["sudo", "true"], stdin=0, stderr=-3, check=True)',
      chown: 'os.chown("/work", 0, 0)',
    },
    errors: 'EPERM|EACCES|ENOENT|CalledProcessError',
  }),
  {
    threat: 37,
    name: 'a setuid program of its own making, and rights it was given',
    language: 'python',
    code: `
import os, shutil, subprocess
shutil.copy("/usr/bin/id", "/work/id")
os.chmod("/work/id", 0o6755)
print(subprocess.run(["/work/id", "-u"], capture_output=True).stdout.decode().strip())
with open("/proc/self/status") as status:
    print(*(line.replace("\\t", "") for line in status if line.startswith(("CapPrm", "CapEff", "CapBnd"))), sep="", end="")
import ctypes
print(ctypes.CDLL(None).prctl(39, 0, 0, 0, 0))`,
    expected: {
      kubernetes: {
        endings: succeeded,
        stdout: { is: '1001\nCapPrm:0000000000000000\nCapEff:0000000000000000\nCapBnd:0000000000000000\n1\n' },
        ...within(4),
      },
    },
  },
  attempt({
    threat: 38,
    name: 'ptrace and reads of the memory of process 1',
    tries: {
      attach: 'syscall(101, 16, 1, 0, 0)',
      seize: 'syscall(101, 0x4206, 1, 0, 0)',
      memory: 'open("/proc/1/mem", "rb").read(1)',
      change: 'open("/proc/1/mem", "r+b")',
    },
    errors: 'EPERM|EACCES|EIO|ESRCH|ENOENT',
  }),
  attempt({
    threat: 39,
    name: 'kernel interfaces that had holes',
    tries: {
      bpf: 'syscall(321, 0, ctypes.create_string_buffer(128), 128)',
      perf: 'syscall(298, ctypes.create_string_buffer(b"\\x01" + bytes(127), 128), 0, -1, -1, 0)',
      uring: 'syscall(425, 4, ctypes.create_string_buffer(120))',
      keys: 'syscall(248, b"user", b"name", b"value", 5, -3)',
      faults: 'syscall(323, 0)',
      handle: 'syscall(304, -100, ctypes.create_string_buffer(b"\\x08" + bytes(31), 32), 0)',
      kexec: 'syscall(246, 0, 0, 0, 0)',
      kexecFile: 'syscall(320, -1, -1, 0, 0, 0)',
      module: 'syscall(175, b"x", 1, b"")',
      ports: 'syscall(172, 3)',
      reboot: 'syscall(169, 0xfee1dead, 672274793, 0x01234567, 0)',
      accounting: 'syscall(163, b"/work/x")',
      swap: 'syscall(167, b"/work/x", 0)',
      host: 'socket.sethostname("x")',
    },
    errors: unimplemented,
  }),
  attempt({
    threat: 40,
    name: 'device nodes',
    tries: {
      make: 'os.mknod("mem", 0o20666, os.makedev(1, 1))',
      block: 'os.mknod("disk", 0o60666, os.makedev(8, 0))',
      memory: 'open("/dev/mem", "rb")',
      kernel: 'open("/dev/kmsg", "rb")',
      kvm: 'open("/dev/kvm", "rb")',
      cuse: 'open("/dev/cuse", "rb")',
      disk: 'open("/dev/sda", "rb")',
      core: 'open("/proc/kcore", "rb")',
    },
  }),
  {
    threat: 41,
    name: 'pages of a read-only file through a pipe',
    language: 'python',
    code: `
import os
target = os.open("/execution/bundle", os.O_RDONLY)
before = os.pread(target, 64, 0)
reader, writer = os.pipe()
size = 65_536
os.write(writer, bytes(size))
os.read(reader, size)
os.splice(target, writer, 1, offset_src=0)
os.write(writer, b"planted")
print(os.pread(target, 64, 0) == before)`,
    expected: { kubernetes: { endings: succeeded, stdout: { is: 'True\n' }, ...within(3) } },
  },
  {
    threat: 42,
    name: 'a look at what it runs in',
    language: 'python',
    code: 'import ctypes\nbuffer = ctypes.create_string_buffer(8192)\nctypes.CDLL(None).klogctl(3, buffer, 8192)\nprint(buffer.value.decode())',
    expected: { kubernetes: { endings: succeeded, stdout: { like: [/gVisor/] }, ...within(3) } },
  },
];
