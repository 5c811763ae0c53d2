import type { Language } from '../execution/execution.ts';

/** A file beside this one, and the name that it has in the pod. */
interface SupervisorFile {
  readonly source: string;
  readonly key: string;
}

interface PodCommand {
  /** What the ConfigMap holds next to `bundle`. */
  readonly files: readonly SupervisorFile[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the supervisor runs the program with; empty: its own interpreter. */
  readonly interpreter: readonly string[];
}

const python = [
  { source: 'supervisor.py', key: 'sitecustomize.py' },
  { source: 'work_files.py', key: 'work_files.py' },
];
const node = [
  { source: 'supervisor.mjs', key: 'supervisor.mjs' },
  { source: 'work-files.cjs', key: 'work-files.cjs' },
];
const env = { LANG: 'C.UTF-8' };

/** How a pod starts the supervisor of a language. */
export const podCommands: Readonly<Record<Language, PodCommand>> = {
  python: {
    files: python,
    command: ['python3', '-u', '/work/main.py'],
    env: { PYTHONPATH: '/execution', ...env },
    interpreter: [],
  },
  javascript: {
    files: node,
    command: ['node', '/execution/supervisor.mjs', '/work/main.js'],
    env,
    interpreter: [],
  },
  typescript: {
    files: node,
    command: ['node', '/execution/supervisor.mjs', '/work/main.ts'],
    env,
    // Types alone are stripped without a flag; enums and parameter properties are not.
    interpreter: ['node', '--experimental-transform-types', '--disable-warning=ExperimentalWarning'],
  },
  shell: {
    files: [...python, ...node, { source: 'start.sh', key: 'start.sh' }],
    command: ['sh', '/execution/start.sh', '/work/main.sh'],
    env,
    interpreter: ['sh'],
  },
};
