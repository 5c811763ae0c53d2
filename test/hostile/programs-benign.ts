import { everywhere, type Program, succeeded, within } from './program.ts';

const quick = { endings: succeeded, outputComplete: true, ...within(6) };
const twin = (name: string, code: string, stdout: string, expected = everywhere): Program => ({
  ...{ threat: 58, name, language: 'python', code },
  expected: expected({ ...quick, stdout: { is: stdout }, stderr: { is: '' } }),
});
const onKubernetes: typeof everywhere = (kubernetes) => ({ kubernetes });

/** Programs that do in measure what others here do without: they must succeed. */
export const benignPrograms: readonly Program[] = [
  twin('nothing printed', 'pass', ''),
  {
    ...twin('as much printed as is kept', 'print("x" * 9_999)', `${'x'.repeat(9_999)}\n`),
    request: { maxStdoutBytes: 10_000 },
  },
  {
    ...twin('most of its time used', 'import time\ntime.sleep(2.6)\nprint("done")', 'done\n'),
    request: { timeoutSeconds: 3 },
  },
  twin(
    'thirty-two threads',
    `
import threading
done = []
threads = [threading.Thread(target=done.append, args=(number,)) for number in range(32)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(done))`,
    '32\n',
    onKubernetes,
  ),
  twin(
    'a temporary file of ten megabytes',
    `
import tempfile
with tempfile.TemporaryFile() as file:
    for _ in range(10): file.write(bytes(1_000_000))
    print(file.tell())`,
    '10000000\n',
  ),
  twin('text of many scripts', 'print("żółć 日本語 🐍 עברית")', 'żółć 日本語 🐍 עברית\n'),
  twin(
    'a subprocess',
    'import subprocess\nprint(subprocess.run(["echo", "hi"], capture_output=True, text=True, check=True).stdout, end="")',
    'hi\n',
    onKubernetes,
  ),
  twin(
    'an alarm of its own',
    `
import signal
signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.2)
signal.pause()`,
    'alarm\n',
    onKubernetes,
  ),
  twin('half its memory', 'print(len(b"x" * (48 << 20)))', `${48 << 20}\n`),
  {
    threat: 58,
    name: 'timers, promises and files in JavaScript',
    language: 'javascript',
    code: `
import { readFileSync, writeFileSync } from 'node:fs';
writeFileSync('file', 'x'.repeat(100_000));
await new Promise((resolve) => setTimeout(resolve, 100));
console.log(readFileSync('file', 'utf8').length);`,
    expected: everywhere({ ...quick, stdout: { is: '100000\n' }, stderr: { is: '' } }),
  },
];
