/** How a pod starts the supervisor of a language. The ConfigMap holds the files as their keys, next to `bundle`. */
export const podCommands = {
  python: {
    files: [
      { source: 'supervisor.py', key: 'sitecustomize.py' },
      { source: 'work_files.py', key: 'work_files.py' },
    ],
    command: ['python3', '-u', '/work/main.py'],
    env: { PYTHONPATH: '/execution', LANG: 'C.UTF-8' },
  },
  javascript: {
    files: [
      { source: 'supervisor.mjs', key: 'supervisor.mjs' },
      { source: 'work-files.cjs', key: 'work-files.cjs' },
    ],
    command: ['node', '/execution/supervisor.mjs', '/work/main.js'],
    env: { LANG: 'C.UTF-8' },
  },
} as const;
