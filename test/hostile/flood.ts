import { setTimeout as sleep } from 'node:timers/promises';
import type { Place } from './place.ts';
import { everywhere, type Program, type SandboxName, succeeded, within } from './program.ts';
import type { Report } from './report.ts';
import { clean, trialsOf, tryClean, tryProgram } from './trial.ts';

const gigabyte = 1 << 30;
const capBytes = 1_048_576;
const request = { timeoutSeconds: 100, cpuLimitMillicores: 2000 };
const expected = { endings: succeeded, outputComplete: true, ...within(100) };

/** What floods is tried alone, because the memory of this process is measured meanwhile. */
export const floodPrograms: readonly Program[] = [
  {
    threat: 13,
    name: 'a gigabyte on stdout',
    language: 'python',
    code: 'import sys\nblock = (b"x" * 1023 + b"\\n") * 1024\nfor _ in range(1024): sys.stdout.buffer.write(block)',
    request,
    expected: everywhere({
      ...expected,
      stdout: { is: `${'x'.repeat(1023)}\n`.repeat(1024), leastTotalBytes: gigabyte },
    }),
  },
  {
    threat: 14,
    name: 'a gigabyte in one line',
    language: 'python',
    code: 'import sys\nblock = b"x" * (1 << 20)\nfor _ in range(1024): sys.stdout.buffer.write(block)',
    request,
    expected: everywhere({ ...expected, stdout: { is: 'x'.repeat(capBytes), leastTotalBytes: gigabyte } }),
  },
];

/** A process that completes executions holds their output and little else. */
const mostMebibytesAboveIdle = 64;
const mebibyte = 1 << 20;

/** Runs the floods one after the other, and says by how much this process grew over its idle size. */
export async function tryFloods(place: Place, sandbox: SandboxName, report: Report): Promise<void> {
  await place.run(clean.of('python'), 60);
  await sleep(500);
  for (const trial of trialsOf(floodPrograms, sandbox)) {
    const idle = process.memoryUsage.rss();
    using memory = watchMemory();
    const outcome = await tryProgram(place, trial);
    const grown = (memory.peak() - idle) / mebibyte;
    const figures = `this process: idle ${mebibytes(idle)}, peak ${mebibytes(memory.peak())}, at most ${mostMebibytesAboveIdle} MiB more`;
    const problems = grown > mostMebibytesAboveIdle ? [`it cost ${grown.toFixed(0)} MiB`] : [];
    report.add({ ...outcome, problems: [...outcome.problems, ...problems], note: figures });
    await tryClean(place, [trial], report);
  }
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / mebibyte)} MiB`;
}

function watchMemory() {
  let peak = process.memoryUsage.rss();
  const look = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 10);
  return {
    peak: () => {
      look();
      return peak;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
