import { rmSync } from 'node:fs';
import { z } from 'zod';
import { openEmbedded } from '../src/embedded.ts';
import { resourceSchema } from '../src/resource.ts';
import { writeBundle } from '../src/supervisor/bundle.ts';
import { supervisorOf } from '../src/supervisor/source.ts';

/**
 * What the supervisor costs under gVisor: in one sandbox, the same program alternately run by the bare interpreter and
 * under the supervisor, from the start of the process to its end, with two cores, so that no quota distorts it. For
 * Node.js also under a parent that does nothing but start it, which is the least that two processes can cost. Needs a
 * cluster; ends with 1 over the targets.
 */
const runs = 40;
const languages = ['python', 'javascript'] as const;
type Language = (typeof languages)[number];

const programs = { python: 'print("hello")', javascript: 'console.log("hello")' };

/** Runs in the sandbox; prints milliseconds, and the peak kilobytes of a process of a supervised run. */
const drivers = {
  python: `import json, os, resource, subprocess, sys, time
def run(command, env):
    began = time.monotonic()
    subprocess.run(command, env={**os.environ, **env}, stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - began) * 1000
os.mkdir("run")
bare, supervised = ["python3", "-u", "bare.py"], ["python3", "-u", os.path.abspath("run/main.py")]
times = [[run(bare, {}), run(supervised, {"PYTHONPATH": os.path.abspath("execution")})] for _ in range(${runs})]
print(json.dumps({"times": times, "peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}))`,
  javascript: `const { spawn, spawnSync } = require('child_process'); const fs = require('fs'); const path = require('path');
const run = (args) => { const began = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' }); if (status !== 0) throw new Error('exit ' + status);
  return performance.now() - began; };
fs.mkdirSync('run');
const starts = "const child = require('child_process').spawn(process.execPath, [process.argv[2]], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });";
fs.writeFileSync('least.js', starts + "child.stdout.resume(); child.on('exit', (code) => process.exit(code));");
const bare = [path.resolve('bare.js')], least = [path.resolve('least.js'), ...bare];
const supervised = [path.resolve('execution/supervisor.mjs'), path.resolve('run/main.js')];
const times = Array.from({ length: ${runs} }, () => [run(bare), run(supervised), run(least)]);
let peak = 0;
const resident = (pid) => { try {
  return Number(/VmRSS:\\s*(\\d+)/.exec(fs.readFileSync('/proc/' + pid + '/status', 'latin1'))[1]);
} catch { return 0; } };
const child = spawn(process.execPath, supervised, { stdio: 'ignore' });
const look = setInterval(() => { peak = Math.max(peak, resident(child.pid)); }, 1);
child.on('exit', () => { clearInterval(look); console.log(JSON.stringify({ times, peak })); });`,
};

const measuredSchema = z.object({
  times: z.array(z.tuple([z.number(), z.number(), z.number().optional()])),
  peak: z.number(),
});

async function measure(language: Language) {
  const code = Buffer.from(programs[language]);
  const bundle = writeBundle({
    code,
    args: [],
    env: {},
    timeoutSeconds: 60,
    maxStdoutBytes: 1000,
    maxStderrBytes: 1000,
  });
  const supervisor = Object.entries({ ...(await supervisorOf(language)), bundle });
  const files = supervisor.map(([name, bytes]) => ({
    path: `execution/${name}`,
    contentBase64: Buffer.from(bytes).toString('base64'),
  }));
  files.push({ path: `bare.${language === 'python' ? 'py' : 'js'}`, contentBase64: code.toString('base64') });
  const store = `/tmp/bench-supervisor-${process.pid}.sqlite`;
  const embedded = await openEmbedded({ store, sandbox: 'kubernetes', onError: console.error });
  try {
    const body = { language, code: drivers[language], files, cpuLimitMillicores: 2000, timeoutSeconds: 300 };
    const { execution } = await embedded.executor.submit(body, {});
    const ended = resourceSchema.parse(await embedded.executor.wait(execution.id, 300));
    const printed = async (stream: 'stdout' | 'stderr') =>
      Buffer.from((await embedded.executor.output(execution.id, stream)) ?? []).toString();
    if (ended.state !== 'SUCCEEDED') throw new Error(`${ended.state}: ${await printed('stderr')}`);
    return measuredSchema.parse(JSON.parse(await printed('stdout')));
  } finally {
    await embedded.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${store}${suffix}`, { force: true });
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

for (const language of languages) {
  const { times, peak } = await measure(language);
  const [bare, supervised] = [median(times.map(([ms]) => ms)), median(times.map(([, ms]) => ms))];
  const least = median(times.map(([, , ms = 0]) => ms));
  const target = language === 'python' ? 'at most 60 ms more' : 'at most 2.2 times';
  const ofTwo = least === 0 ? '' : `, a parent alone ${(least / bare).toFixed(2)} times`;
  console.log(
    `${language}: bare ${bare.toFixed(0)} ms, supervised ${supervised.toFixed(0)} ms, ` +
      `${(supervised - bare).toFixed(0)} ms more, ${(supervised / bare).toFixed(2)} times (target ${target}${ofTwo}), ` +
      `n ${times.length}, peak of a supervised process ${Math.round(peak / 1024)} MiB`,
  );
  if (language === 'python' ? supervised - bare > 60 : supervised > 2.2 * bare) process.exitCode = 1;
}
