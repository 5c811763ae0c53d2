import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';

/** The processes of this machine that belong to the pods of some namespaces, where the node is this machine. */
export interface NodeProcesses extends Disposable {
  /** Pods whose sandbox was seen running here. Zero means that the node is elsewhere and nothing can be said. */
  seenPods(): number;
  /** Processes and mounts of those pods that are still there. */
  left(): readonly string[];
}

/** A pod lives for more than a second. */
const scanMs = 400;

/**
 * A sandbox cannot be attributed once its bundle is gone, so its shim is looked for while it runs: the shim's working
 * directory is the bundle, whose annotations name pod and namespace. From then on every process of the pod is known by
 * the pod's uid in its control group, or by the sandbox's id in its command line.
 */
export function watchNode(namespaces: readonly string[]): NodeProcesses {
  const pods = new Set<string>();
  const sandboxes = new Set<string>();
  const scan = () => {
    for (const pid of processes()) {
      const sandbox = sandboxOfShim(pid);
      if (sandbox === undefined || !namespaces.includes(sandbox.namespace)) continue;
      pods.add(sandbox.podUid);
      sandboxes.add(sandbox.id);
    }
  };
  const timer = setInterval(scan, scanMs);
  return {
    seenPods: () => pods.size,
    left: () => [...leftProcesses([...pods, ...[...pods].map(asSystemdSlice), ...sandboxes]), ...leftMounts([...pods])],
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** How systemd's driver of control groups writes a uid. */
const asSystemdSlice = (uid: string) => uid.replaceAll('-', '_');

const bundleSchema = z.object({
  annotations: z.object({
    'io.kubernetes.cri.sandbox-id': z.string(),
    'io.kubernetes.cri.sandbox-namespace': z.string(),
    'io.kubernetes.cri.sandbox-uid': z.string(),
  }),
});

function sandboxOfShim(pid: string) {
  const [command = ''] = commandLine(pid);
  if (!basename(command).startsWith('containerd-shim')) return undefined;
  const path = `/proc/${pid}/cwd/config.json`;
  const parsed = bundleSchema.safeParse(unlessGone(() => JSON.parse(readFileSync(path, 'utf8'))));
  if (!parsed.success) return undefined;
  const { annotations } = parsed.data;
  return {
    id: annotations['io.kubernetes.cri.sandbox-id'],
    namespace: annotations['io.kubernetes.cri.sandbox-namespace'],
    podUid: annotations['io.kubernetes.cri.sandbox-uid'],
  };
}

function leftProcesses(marks: readonly string[]): readonly string[] {
  return processes()
    .map((pid) => ({ pid, command: commandLine(pid).join(' '), groups: textOf(`/proc/${pid}/cgroup`) }))
    .filter(({ command, groups }) => marks.some((mark) => command.includes(mark) || groups.includes(mark)))
    .map(({ pid, command }) => `process ${pid} ${command.slice(0, 80)}`);
}

function leftMounts(podUids: readonly string[]): readonly string[] {
  const mounts = textOf('/proc/self/mounts').split('\n');
  return mounts.filter((mount) => podUids.some((uid) => mount.includes(uid))).map((mount) => `mount ${mount}`);
}

/** Processes that this one has started and that still run. */
export function ownChildren(): readonly string[] {
  return processes()
    .filter((pid) => parentOf(pid) === String(process.pid))
    .map((pid) => `process ${pid} ${commandLine(pid).join(' ').slice(0, 80)}`);
}

function parentOf(pid: string): string | undefined {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
}

function processes(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}

function commandLine(pid: string): readonly string[] {
  return textOf(`/proc/${pid}/cmdline`).split('\0');
}

function textOf(path: string): string {
  return unlessGone(() => readFileSync(path, 'utf8')) ?? '';
}

/** What is looked at may have ended since it was listed, or may not be written to its end yet. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
