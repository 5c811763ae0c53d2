import type { SandboxName } from './program.ts';

interface Known {
  readonly program: string;
  readonly sandbox: SandboxName;
  readonly why: string;
  /** It would hold up everything else, or harm the node, so that it is listed and not run. */
  readonly notRun?: true;
}

/** Programs that do not end as they should, and why that is so still. One that ends as it should is to be taken off. */
const known: readonly Known[] = [
  {
    program: 'a hundred thousand frames that say nothing, then its end',
    sandbox: 'kubernetes',
    why: 'every other time the shim of gVisor waits for ever for containerd to take the rest of the log: nothing but the end of that process ends the pod, and the execution is LOST ten minutes later',
    notRun: true,
  },
];

export function knownOf(program: string, sandbox: SandboxName): Known | undefined {
  return known.find((item) => item.program === program && item.sandbox === sandbox);
}
