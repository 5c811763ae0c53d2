import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { httpExecutor } from '../../src/client/client.ts';
import { UnavailableError } from '../../src/errors.ts';
import { hello, place, serve } from '../http/serving.ts';
import { failure, start, stranger } from './stranger.ts';

const id = 'a'.repeat(26);

describe('an address', () => {
  test('where nothing listens fails at once, with the way to start it', async () => {
    await using gone = await stranger(() => {});
    await gone[Symbol.asyncDispose]();
    const start = Date.now();
    expect(await failure(gone.client.get(id))).toBe(
      `cannot reach http://127.0.0.1:${gone.port}: nothing listens there; start it with gke-code-executor serve, or check the address`,
    );
    expect(Date.now() - start).toBeLessThan(1_000);
  });

  test('with a port of another protocol says so', async () => {
    const client = httpExecutor({ server: new URL('http://127.0.0.1:25') });
    expect(await failure(client.get(id))).toContain('no fetch goes to that port');
  });

  test('of no host says so', async () => {
    const client = httpExecutor({ server: new URL('http://no-such-host.invalid') });
    expect(await failure(client.get(id))).toMatch(/there is no host of that name|the connection was lost/);
  });

  test.each([
    ['ftp://localhost', 'the server is an http:// or https:// address'],
    ['http://user:pass@localhost', 'must not contain a user or password'],
  ])('%s is refused', (server, message) => {
    expect(() => httpExecutor({ server: new URL(server) })).toThrow(message);
  });

  test.each(['key\n', 'two words', 'ключ'])('with the API key %j is refused', (apiKey) => {
    expect(() => httpExecutor({ server: new URL('http://localhost'), apiKey })).toThrow(UnavailableError);
  });

  test.each(['/proxy/run/', '/proxy/run'])('with the path %s keeps it', async (path) => {
    const paths: string[] = [];
    await using server = await stranger((request, response) => {
      paths.push(request.url ?? '');
      response.end();
    });
    const client = httpExecutor({ server: new URL(`http://127.0.0.1:${server.port}${path}`) });
    await failure(client.get(id));
    expect(paths).toEqual([`/proxy/run/v1/executions/${id}`]);
  });
});

describe('a server that is not ours', () => {
  test.each<[string, RequestListener, RegExp]>([
    ['a web page', html(200), /does not answer as gke-code-executor does \(HTTP 200, text\/html\): check the address$/],
    ['a web page for 404', html(404), /\(HTTP 404, text\/html\)/],
    ['another JSON', json(200, '{"hello":1}'), /\(HTTP 200, application\/json\)/],
    ['broken JSON', json(200, '{"id":'), /\(HTTP 200, application\/json\)/],
    ['a JSON error of its own', json(404, '{"error":"no"}'), /\(HTTP 404, application\/json\)/],
    ['nothing', (_, response) => response.end(), /\(HTTP 200\)/],
  ])('and answers with %s is named as that', async (_, answer, message) => {
    await using server = await stranger(answer);
    const calls = [
      () => server.client.get(id),
      () => server.client.output(id, 'stdout'),
      () => server.client.submit(hello, {}),
      () => server.client.list({ limit: 1 }),
    ];
    for (const call of calls) expect(await failure(call())).toMatch(message);
  });

  test.each(['application/json', 'application/octet-stream', 'application/problem+json'])(
    'and answers with %s without end is left, and not asked again',
    async (type) => {
      let asked = 0;
      await using server = await stranger((_, response) => {
        asked += 1;
        response.writeHead(200, { 'content-type': type });
        Readable.from(repeat(Buffer.alloc(1024 * 1024, ' '), 1024)).pipe(response);
      });
      expect(await failure(server.client.output(id, 'stdout'))).toBe(
        `http://127.0.0.1:${server.port} answers with more than gke-code-executor ever does: check the address`,
      );
      expect(asked).toBe(1);
    },
  );

  test('is not followed where it redirects, and gets no second request', async () => {
    let redirected = 0;
    await using elsewhere = await stranger((_, response) => {
      redirected += 1;
      response.end();
    });
    const location = `http://127.0.0.1:${elsewhere.port}/`;
    await using server = await stranger((_, response) => response.writeHead(308, { location }).end());
    expect(await failure(server.client.submit(hello, {}))).toContain(`redirects to ${location}: give the address`);
    expect(redirected).toBe(0);
  });

  test('speaks HTTP where HTTPS is wanted', async () => {
    await using server = await stranger(html(200));
    const client = httpExecutor({ server: new URL(`https://127.0.0.1:${server.port}`) });
    expect(await failure(client.get(id))).toContain('it speaks another protocol; check http:// against https://');
  });

  test('has a certificate that nobody vouches for', async () => {
    await using server = await start(createTlsServer(selfSigned(), html(200)));
    const client = httpExecutor({ server: new URL(`https://127.0.0.1:${server.port}`) });
    expect(await failure(client.get(id))).toMatch(/its certificate cannot be trusted \(.*\); set NODE_EXTRA_CA_CERTS/);
  });
});

test('a path at which the server has nothing is not an unknown execution', async () => {
  await using real = await serve(place().recording());
  const client = httpExecutor({ server: new URL('/v1', real.url) });
  expect(await failure(client.get(id))).toContain('answers 404: there is nothing at this path');
});

function* repeat<T>(value: T, times: number): Generator<T> {
  for (let i = 0; i < times; i++) yield value;
}

function html(status: number): RequestListener {
  return (_, response) => response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end('<h1>Hi</h1>');
}

function json(status: number, body: string): RequestListener {
  return (_, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(body);
}

/** Of the system; node itself makes no certificates. */
const openssl = 'openssl';

function selfSigned(): { key: Buffer; cert: Buffer } {
  const directory = mkdtempSync(join(tmpdir(), 'gke-code-executor-'));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const how = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost'];
  execFileSync(openssl, ['req', '-x509', ...how, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  const made = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(directory, { recursive: true });
  return made;
}
