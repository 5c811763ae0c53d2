import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { canBePid1, hasPrinted, languages, mebibyte, runSupervisor } from './run-supervisor.ts';

const exits = {
  python: (code: number) => `import os\nos._exit(${code})`,
  javascript: (code: number) => `process.exit(${code})`,
};
const killsItself = {
  python: (signal: number) => `import os\nos.kill(os.getpid(), ${signal})`,
  javascript: (signal: number) => `process.kill(process.pid, ${signal}); setTimeout(() => {}, 5000)`,
};
const sleeps = {
  python: 'import sys, time\nsys.stdout.write("before")\ntime.sleep(60)',
  javascript: 'process.stdout.write("before"); setTimeout(() => {}, 60000)',
};
/** Runs a shell command in the background, prints "started" once it runs, and goes on to `then`. */
const inBackground = {
  python: (command: string, then: string) =>
    `import subprocess, time\nsubprocess.Popen(["sh", "-c", ${JSON.stringify(command)}])\ntime.sleep(0.3)\nprint("started")\n${then}`,
  javascript: (command: string, then: string) =>
    `require('child_process').spawn('sh', ['-c', ${JSON.stringify(command)}], { stdio: 'inherit' });
     setTimeout(() => { console.log('started'); ${then} }, 300);`,
};

if (!canBePid1)
  process.stderr.write('\nSKIPPED: the supervisor as PID 1: unshare(1) cannot make a PID namespace here\n');
const modes = [
  { as: 'PID 1', asPid1: true },
  { as: 'any process', asPid1: false },
].filter(({ asPid1 }) => canBePid1 || !asPid1);

describe.concurrent.each(languages)('the exit code of a %s program', (language) => {
  it.each([0, 3, 137, 255])('is %d when it exits so', async (code) => {
    const run = await runSupervisor(language, exits[language](code));
    expect(run).toMatchObject({ exitCode: code, complete: true, advisory: { exit: { code }, timedOut: false } });
  });

  it.each([9, 15])('is 128 + %d when that signal killed it', async (signal) => {
    const run = await runSupervisor(language, killsItself[language](signal), { asPid1: canBePid1 });
    expect(run).toMatchObject({ exitCode: 128 + signal, complete: true, advisory: { exit: { signal } } });
  });

  it('is 143 when the supervisor is asked to stop, and the program ends too', async () => {
    const run = await runSupervisor(language, sleeps[language], {
      onStart: (supervisor) => hasPrinted(supervisor).then(() => supervisor.kill('SIGTERM')),
    });
    expect(run).toMatchObject({ exitCode: 143, stdoutText: 'before', complete: true });
    expect(run.advisory).toMatchObject({ exit: { signal: 9 }, timedOut: false });
  });

  it('is unknown, with the output so far, when the program kills the supervisor', async () => {
    const kills = {
      python: 'import os, time\nprint("before")\ntime.sleep(0.3)\nos.kill(os.getppid(), 9)',
      javascript: 'console.log("before"); setTimeout(() => process.kill(process.ppid, 9), 300)',
    };
    const run = await runSupervisor(language, kills[language]);
    expect(run).toMatchObject({ exitCode: null, stdoutText: 'before\n', complete: false });
    expect(run.advisory).toBeUndefined();
  });

  it('is its own whatever other signals it sends to the supervisor', async () => {
    const sends = {
      python:
        'import os\nfor signal in (1, 2, 3, 6, 10, 12, 17, 20, 21, 22, 30): os.kill(os.getppid(), signal)\nos._exit(5)',
      javascript:
        'for (const s of [1, 2, 3, 6, 10, 12, 17, 20, 21, 22, 30]) process.kill(process.ppid, s); process.exit(5)',
    };
    expect(await runSupervisor(language, sends[language])).toMatchObject({ exitCode: 5, complete: true });
  });
});

const table = languages.flatMap((language) => modes.map((mode) => ({ language, ...mode })));

describe.concurrent.each(table)('the ending of a $language program under $as', ({ language, asPid1 }) => {
  it('is 124 at its time limit, with what it printed before', async () => {
    const run = await runSupervisor(language, sleeps[language], { asPid1, timeoutSeconds: 1.2 });
    expect(run).toMatchObject({ exitCode: 124, stdoutText: 'before', complete: true });
    expect(run.advisory).toMatchObject({ exit: { signal: 9 }, timedOut: true });
    expect(run.seconds).toBeGreaterThan(1.1);
    expect(run.seconds).toBeLessThan(10);
  });

  it('takes grandchildren in other sessions along at its time limit', async () => {
    const mark = `61.${process.pid}${language.length}${asPid1 ? 1 : 0}`;
    const code = inBackground[language](`setsid sleep ${mark}`, language === 'python' ? 'time.sleep(60)' : '');
    const run = await runSupervisor(language, code, { asPid1, timeoutSeconds: 2 });
    expect(run).toMatchObject({ exitCode: 124, stdoutText: 'started\n' });
    expect(run.seconds).toBeLessThan(15);
    expect(commandLines().includes(`sleep ${mark}`)).toBe(false);
  });

  it('does not wait for a grandchild that holds the streams open', async () => {
    const mark = `62.${process.pid}${language.length}${asPid1 ? 1 : 0}`;
    const end = language === 'python' ? '' : 'process.exit(0)';
    const run = await runSupervisor(language, inBackground[language](`sleep ${mark}`, end), { asPid1 });
    expect(run).toMatchObject({ exitCode: 0, stdoutText: 'started\n', complete: true });
    expect(run.seconds).toBeLessThan(15);
    expect(commandLines().includes(`sleep ${mark}`)).toBe(false);
  });

  it('comes when the program ends, not when it closes its streams', async () => {
    const closes = {
      python: 'import os, time\nprint("last words")\nos.close(1)\nos.close(2)\ntime.sleep(0.5)\nos._exit(7)',
      javascript: `const fs = require('node:fs'); fs.writeSync(1, 'last words\\n'); fs.closeSync(1); fs.closeSync(2);
        setTimeout(() => process.exit(7), 500);`,
    };
    const run = await runSupervisor(language, closes[language], { asPid1 });
    expect(run).toMatchObject({ exitCode: 7, stdoutText: 'last words\n', complete: true });
    expect(run.seconds).toBeGreaterThan(0.5);
  });
});

it('a Python program is killed at its time limit even while the log takes nothing', async () => {
  let stillRunning = -1;
  const code = 'import os\nwhile True: os.write(1, b"x" * 65536)';
  const run = await runSupervisor('python', code, {
    timeoutSeconds: 1.5,
    maxStdoutBytes: 8 * mebibyte,
    onStart: (supervisor, work) => {
      supervisor.stdout?.pause();
      setTimeout(() => {
        stillRunning = commandLines().split(`${work}/main.py`).length - 1;
        supervisor.stdout?.resume();
      }, 4000);
    },
  });
  expect(stillRunning).toBe(1);
  expect(run).toMatchObject({ exitCode: 124, complete: true });
});

function commandLines(): string {
  return execFileSync('ps', ['-eo', 'args']).toString();
}
