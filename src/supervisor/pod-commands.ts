/** How a pod starts the supervisor of a language. The ConfigMap holds the file as `key`, next to `bundle`. */
export const podCommands = {
  python: {
    source: 'supervisor.py',
    key: 'sitecustomize.py',
    command: ['python3', '-u', '/work/main.py'],
    env: { PYTHONPATH: '/execution', LANG: 'C.UTF-8' },
  },
  javascript: {
    source: 'supervisor.mjs',
    key: 'supervisor.mjs',
    command: ['node', '/execution/supervisor.mjs', '/work/main.js'],
    env: { LANG: 'C.UTF-8' },
  },
} as const;
