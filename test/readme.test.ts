import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort } from '../scripts/emulator.ts';
import { describeCluster, temporaryNamespace } from './cluster.ts';
import { stateDirectory } from './e2e/command.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());
const env = { ...process.env, XDG_STATE_HOME: state.path };
const shell = (script: string) => promisify(execFile)('bash', ['-euc', script], { env, timeout: 60_000 });

/** The one code block that contains a text; a README that lost it fails here. */
function block(containing: string): string {
  const found = [...readme.matchAll(/^```(?:sh|console)\n(.*?)^```/gms)].map(([, body = '']) => body);
  const [only, ...more] = found.filter((body) => body.includes(containing));
  if (only === undefined || more.length > 0)
    throw new Error(`README.md has ${more.length + 1} blocks with ${containing}`);
  return only;
}

describe('README example', () => {
  it('the first screen prints what it says', async () => {
    const [command = '', ...printed] = block('npm install && npx').trim().split('\n');
    const script = command.replace('$ npm install && ', '');
    const { stdout, stderr } = await shell(script);
    expect(stdout + stderr).toBe(`${printed.join('\n')}\n`);
  });

  it('every way to run a program runs', async () => {
    const [args = '', stdin = '', limits = ''] = block('run - --language javascript').trim().split('\n');
    expect((await shell(args)).stderr).toBe('25 primes below 100\n');
    expect((await shell(stdin)).stdout).toBe('42\n');
    expect(JSON.parse((await shell(limits)).stdout)).toMatchObject({
      state: 'SUCCEEDED',
      limits: { timeoutSeconds: 10, memoryLimitMiB: 256 },
    });
  });

  it('what ran is listed', async () => {
    expect((await shell(block('gke-code-executor list'))).stdout).toMatch(/^ID +STATE[^\n]+\n\w{26} +SUCCEEDED/);
  });

  it('the server answers the request beside it', async () => {
    const port = String(await freePort());
    using _serving = await started(block('serve --port').replace('8080', port), 'listening');
    const { stdout } = await shell(block('curl').replace('8080', port));
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'SUCCEEDED',
      result: { exitCode: 0, stdout: { text: '42\n' } },
    });
  });
});

/** Starts a command of the README in a process group of its own, and waits until it says that it serves. */
async function started(script: string, ready: string): Promise<Disposable> {
  const child = spawn('bash', ['-euc', `exec ${script}`], { env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
      if (said.includes(ready)) resolve();
    });
    child.once('exit', () => reject(new Error(`it ended: ${said}`)));
  });
  return {
    [Symbol.dispose]: () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    },
  };
}

await describeCluster('README example on a cluster', () => {
  it('the functions run on this machine', async () => {
    await using namespace = await temporaryNamespace();
    const port = String(await freePort());
    const options = `-- --port ${port} --namespace ${namespace.name}`;
    using _cloud = await started(`${block('cloud:local').trim()} ${options}`, 'the API is');
    const { stdout, stderr } = await shell(block('--server http').replace('8080', port));
    expect(stdout).toBe('2 3 5 7 11 13 17 19 23 29 31 37 41 43 47\n');
    expect(stderr).toBe('15 primes below 50\n');
  }, 180_000);

  it('a namespace is prepared, runs a program, and is taken away', async () => {
    const name = `test-${randomBytes(5).toString('hex')}`;
    const own = (script: string) => shell(script.replaceAll('executions', name));
    const removing = block('kubectl delete').replaceAll(/^kubectl delete/gm, 'kubectl delete --wait=false');
    try {
      expect((await own(block('cluster apply'))).stdout).toContain(`Namespace/${name} created\n`);
      const running = block('--sandbox kubernetes').replace('default', 'executions');
      expect((await own(running)).stderr).toBe('15 primes below 50\n');
    } finally {
      expect((await own(removing)).stdout).toContain(`"gke-code-executor-jobs.${name}" deleted`);
    }
  }, 120_000);

  it('runs in a gVisor pod', async () => {
    expect((await shell(block('--sandbox kubernetes'))).stderr).toBe('15 primes below 50\n');
  });
});
