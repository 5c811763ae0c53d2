import type { SandboxName } from './program.ts';

interface Known {
  readonly program: string;
  readonly sandbox: SandboxName;
  readonly why: string;
  /** It ends as it should at times. */
  readonly sometimes?: true;
}

/** Programs that do not end as they should, and why that is so still. One that ends as it should is to be taken off. */
export const known: readonly Known[] = [
  {
    program: "a flood to the supervisor's stdout until the kubelet looks at the disk",
    sandbox: 'kubernetes',
    why: "when the kubelet has just removed the log, its words about that ('failed to try resolving symlinks in path …') are taken for the program's output",
    sometimes: true,
  },
];
