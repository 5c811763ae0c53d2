import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeCluster, kubectl, type Namespace, temporaryNamespace } from '../cluster.ts';
import { command, type Ran, stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

await describeCluster('run --sandbox kubernetes', () => {
  let namespace: Namespace;
  beforeAll(async () => {
    namespace = await temporaryNamespace();
  });
  afterAll(() => namespace[Symbol.asyncDispose]());

  const here = () => ['--store', state.store, '--sandbox', 'kubernetes', '--namespace', namespace.name];
  const run = (code: string, options: readonly string[] = []) =>
    command(['run', '-', '--language', 'python', ...here(), ...options], { stdin: code });
  const json = (ran: Ran) => JSON.parse(ran.stdout.toString());

  it('runs the first example, and five seconds later nothing is left', async () => {
    const ran = await command(['run', 'examples/primes.py', ...here()]);
    expect(ran).toMatchObject({ code: 0, stderr: Buffer.from('15 primes below 50\n') });
    expect(ran.stdout.toString()).toBe('2 3 5 7 11 13 17 19 23 29 31 37 41 43 47\n');
    await sleep(5_000);
    expect(await namespace.objects()).toEqual([]);
  });

  it.concurrent.each([0, 3, 137])("exits with the program's own code %i", async (code) => {
    const ran = await run(`import sys; print("x"); sys.exit(${code})`, ['--json']);
    expect(ran.code).toBe(code);
    expect(json(ran)).toMatchObject({
      state: code === 0 ? 'SUCCEEDED' : 'FAILED',
      isolation: 'gvisor',
      result: { exitCode: code, fault: code === 0 ? null : 'program', stdout: { text: 'x\n' } },
    });
  });

  it.concurrent('tells the memory limit from a program that fits', async () => {
    const allocate = (mib: number) => `print("begun", flush=True)\nx = b"x" * (${mib} << 20)\nprint(len(x) >> 20)`;
    const [over, under] = [
      await run(allocate(400), ['--memory', '128Mi', '--json']),
      await run(allocate(40), ['--memory', '128Mi', '--json']),
    ];
    expect(over.code).toBe(122);
    expect(json(over)).toMatchObject({ state: 'MEMORY_LIMIT', result: { stdout: { text: 'begun\n' } } });
    expect(json(under)).toMatchObject({ state: 'SUCCEEDED', result: { stdout: { text: 'begun\n40\n' } } });
  });

  // By itself, since it is about time.
  it('ends an endless loop, with its partial output, within two seconds of its time limit', async () => {
    const ran = await run('print("begun", flush=True)\nwhile True: pass', ['--timeout', '3s', '--json']);
    expect(ran.code).toBe(124);
    const { result, state: ended, startedAt, endedAt } = json(ran);
    expect({ ended, fault: result.fault, text: result.stdout.text }).toEqual({
      ended: 'TIMED_OUT',
      fault: 'limit',
      text: 'begun\n',
    });
    expect(Date.parse(endedAt) - Date.parse(startedAt)).toBeLessThanOrEqual(5_000);
  });

  it.concurrent('runs JavaScript with arguments, environment and standard input', async () => {
    const code = `import { readFileSync } from 'node:fs';
console.log(process.argv.slice(2), process.env.NAME, readFileSync(0, 'utf8'));`;
    const args = ['run', 'test/e2e/program.mjs', ...here(), '--env', 'NAME=value', '--stdin', 'examples/primes.py'];
    const ran = await command(args.with(1, '-').concat(['--language', 'javascript', '--', 'a b']), { stdin: code });
    expect(ran.stdout.toString()).toContain('[ \'a b\' ] value """Prints the primes');
    expect(ran.code).toBe(0);
  });

  it('names a namespace that is not there, and how to make it', async () => {
    const args = [
      'run',
      'examples/primes.py',
      '--store',
      state.store,
      '--sandbox',
      'kubernetes',
      '--namespace',
      'no-such',
    ];
    const ran = await command(args);
    expect(ran.code).toBe(2);
    expect(ran.stderr.toString()).toContain('kubectl create namespace no-such');
  });

  it('names the verb that an identity lacks', async () => {
    const account = `system:serviceaccount:${namespace.name}:default`;
    const token = (await kubectl('create', 'token', 'default', '-n', namespace.name)).trim();
    const config = JSON.parse(await kubectl('config', 'view', '--raw', '-o', 'json'));
    config.users = [{ name: config.users[0].name, user: { token } }];
    const ran = await command([
      'run',
      'examples/primes.py',
      ...here(),
      '--kubeconfig',
      state.write('kubeconfig', JSON.stringify(config)),
    ]);
    expect(ran.code).toBe(2);
    expect(ran.stderr.toString()).toContain(account);
    expect(ran.stderr.toString()).toMatch(/get namespaces?|get .*namespace|create .*jobs/);
  });
});
