import { jobName } from '../../../src/execution/identity.ts';
import type { KubernetesSandbox } from '../../../src/sandbox/kubernetes/job-sandbox.ts';
import { kubernetesSandbox } from '../../../src/sandbox/kubernetes/sandbox.ts';
import { describeCluster, follow, type Namespace } from '../../cluster.ts';
import type { SandboxFixture } from '../../contracts/sandbox/lab.ts';
import { sandboxContract } from '../../contracts/sandbox.ts';
import { preparedNamespace } from './prepared.ts';

const kubeletDecides = 'the kubelet starts containers';

await describeCluster('the Kubernetes sandbox on a real cluster', () => {
  sandboxContract({
    name: 'kubernetesSandbox',
    setup: fixture,
    optOuts: { permitRefused: kubeletDecides, permitThrows: kubeletDecides, permitFirst: kubeletDecides },
  });
});

async function fixture(): Promise<SandboxFixture> {
  const namespaces: Namespace[] = [await preparedNamespace({ users: {} })];
  const opened: KubernetesSandbox[] = [];
  const open = async (namespace: Namespace, id: string) => {
    const sandbox = await kubernetesSandbox({
      namespace: namespace.name,
      installation: { id, secret: new Uint8Array() },
    });
    opened.push(sandbox);
    return sandbox;
  };
  const [shared] = namespaces;
  if (shared === undefined) throw new Error('there is one');
  const history = await follow(shared.name);
  const installations = new Set<string>();
  return {
    open: (installation) => {
      installations.add(installation);
      return open(shared, installation);
    },
    openWithRoom: async (installation, jobs) => {
      const small = await preparedNamespace({ users: {}, maxJobs: jobs });
      namespaces.push(small);
      return open(small, installation);
    },
    starts: async ({ executionId }) => {
      const starts = history.starts();
      return [...installations].reduce((sum, id) => sum + (starts.get(jobName(id, executionId)) ?? 0), 0);
    },
    close: async () => {
      history[Symbol.dispose]();
      for (const sandbox of opened) await sandbox.close();
      for (const namespace of namespaces) await namespace[Symbol.asyncDispose]();
    },
  };
}
