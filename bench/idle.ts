import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

/**
 * Time of `run examples/primes.py --server` from shell to prompt when nothing watches: the relay has to wake by itself.
 * Needs `npm run cloud:local` in another terminal, and its key as GKE_CODE_EXECUTOR_API_KEY. Ends with 1 when half of the runs take longer than the target.
 */
const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'http://127.0.0.1:8080' },
    runs: { type: 'string', default: '10' },
    /** Seconds before each run; the relay goes to sleep after a minute without work. */
    idle: { type: 'string', default: '70' },
    target: { type: 'string', default: '3' },
  },
});

async function timedRun(): Promise<number> {
  const began = performance.now();
  const child = spawn('npx', ['gke-code-executor', 'run', 'examples/primes.py', '--server', values.server], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.resume();
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`exit code ${code}`);
  return (performance.now() - began) / 1000;
}

const taken: number[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  await sleep(Number(values.idle) * 1000);
  const seconds = await timedRun();
  taken.push(seconds);
  console.log(`run ${run + 1}: ${seconds.toFixed(2)} s`);
}
const sorted = taken.toSorted((a, b) => a - b);
const median = ((sorted[Math.floor(sorted.length / 2)] ?? 0) + (sorted[Math.ceil(sorted.length / 2) - 1] ?? 0)) / 2;
console.log(
  `p50 ${median.toFixed(2)} s, maximum ${sorted.at(-1)?.toFixed(2)} s, n ${sorted.length} (target p50 ${values.target} s)`,
);
process.exitCode = median <= Number(values.target) ? 0 : 1;
