import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFunction } from '../../scripts/function-process.ts';

/** A function in a directory of its own, as `npm run build` leaves one. */
function source(code: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'function-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'probe'));
  writeFileSync(join(directory, 'probe/package.json'), '{"type":"module","main":"index.js"}');
  writeFileSync(join(directory, 'probe/index.js'), code);
  return directory;
}

async function start(code: string, port?: number) {
  const lines: string[] = [];
  const running = await startFunction({
    name: 'probe',
    port,
    env: {},
    directory: source(code),
    onLine: (line) => void lines.push(line),
  });
  onTestFinished(running.stop);
  return { ...running, lines };
}

/** Answers to anything at a free port. */
async function somethingElse(): Promise<number> {
  const server = createServer((_, response) => response.end('something else'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const probe = 'export const probe = (request, response) => response.end(String(process.pid));';

describe('a function in a process of its own', () => {
  test('serves, and is there again after a crash', async () => {
    const { url, crash } = await start(probe);
    const first = await (await fetch(url)).text();
    await crash();
    expect(await (await fetch(url)).text()).not.toBe(first);
  });

  test('has not started while something else serves at its port', async () => {
    const port = await somethingElse();
    await expect(start(probe, port)).rejects.toThrow(
      `the function probe ended before it served at port ${port}; what it printed says why`,
    );
  });

  test('has not started when it ends before it serves', async () => {
    await expect(start('process.exit(3)')).rejects.toThrow('the function probe ended before it served');
  });

  test('that ends again and again is started with pauses', async () => {
    const again = `if (existsSync(import.meta.dirname + '/began')) process.exit(1);
      writeFileSync(import.meta.dirname + '/began', '');
      setTimeout(() => process.exit(1), 300);`;
    const { lines } = await start(`import { existsSync, writeFileSync } from 'node:fs'; console.log('begins');
      ${again} ${probe}`);
    await sleep(3_000);
    const starts = lines.filter((line) => line === 'begins').length;
    expect(starts).toBeGreaterThan(2);
    expect(starts).toBeLessThan(7);
  });
});

test('cloud:local says in a line that its port is in use', async () => {
  const port = await somethingElse();
  const script = fileURLToPath(new URL('../../scripts/cloud-local.ts', import.meta.url));
  const child = spawn(process.execPath, [script, '--port', String(port)], {
    env: { ...process.env, KUBECONFIG: '/nowhere' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  expect(said).toBe(
    `cloud:local: port ${port} is in use: stop what listens there, a server perhaps, or choose another with --port\n`,
  );
  expect(code).toBe(2);
});
