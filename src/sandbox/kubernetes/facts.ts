import type { Language } from '../../execution/execution.ts';
import type { SandboxFacts } from '../sandbox.ts';

/** Lowest memory limits at which hello world always ended well under gVisor. */
const minimumMemoryMiB = { python: 36, javascript: 48, typescript: 48, shell: 36 } as const satisfies Record<
  Language,
  number
>;

/** The target of a namespace: its uid, so that one made anew under the same name is another. */
export function kubernetesTarget(namespaceUid: string): string {
  return `kubernetes:${namespaceUid}`;
}

/** What is known of a namespace as a sandbox without asking its cluster. */
export function kubernetesFacts(target: string): SandboxFacts {
  return {
    kind: 'kubernetes',
    isolation: 'gvisor',
    target,
    minimumMemoryMiB: (language) => minimumMemoryMiB[language],
  };
}
