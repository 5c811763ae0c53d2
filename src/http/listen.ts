import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';
import { apiKeyPattern } from '../config.ts';
import { UnavailableError } from '../errors.ts';
import type { Executor } from '../executor.ts';
import { type AppOptions, httpApp } from './app.ts';
import { defaultPatience, nodeServer, type Patience } from './node-server.ts';
import type { OnError } from './problem.ts';

export interface ListenOptions {
  /** Address or name to listen on; one that is not loopback needs an API key. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Wanted of every request below `/v1`; 16 or more printable ASCII characters. */
  readonly apiKey?: string | undefined;
  /**
   * More names that requests may give as their host. Without any, a server with a key that is not on loopback answers
   * to every name: what is not known to a page there is the key.
   */
  readonly allowedHost: readonly string[];
  readonly onError: OnError;
  readonly patience?: Patience;
  readonly metrics?: AppOptions['metrics'];
}

export interface Listening {
  readonly url: URL;
  /** Stops accepting, answers waiting requests with what is known, and ends within some seconds. */
  close(): Promise<void>;
}

/** Serves the API. Throws UnavailableError when it would not be safe or the address cannot be had. */
export async function listen(executor: Executor, options: ListenOptions): Promise<Listening> {
  const { host, port, apiKey, onError, metrics, patience = defaultPatience } = options;
  const address = await resolve(host);
  const loopback = isLoopback(address);
  checkKey(apiKey, host, loopback);
  const closing = new AbortController();
  const hosts = hostsFor(options, loopback);
  const app = httpApp(executor, { hosts, apiKey, onError, metrics, closing: closing.signal });
  const { server, close } = nodeServer(app.fetch, onError, patience);
  await new Promise<void>((done, fail) => {
    server.once('error', (error) => fail(explain(error, host, port)));
    server.listen({ host: address, port }, done);
  });
  const bound = server.address();
  return {
    url: urlOf(host, typeof bound === 'object' && bound !== null ? bound.port : port),
    close: () => {
      closing.abort();
      return close();
    },
  };
}

async function resolve(host: string): Promise<string> {
  try {
    const { address } = await lookup(host.replace(/^\[(.*)\]$/, '$1'));
    return address;
  } catch (cause) {
    throw new UnavailableError(`cannot listen on ${host}: it is no name or address of this machine`, { cause });
  }
}

const loopbackAddresses = new BlockList();
loopbackAddresses.addSubnet('127.0.0.0', 8, 'ipv4');
loopbackAddresses.addAddress('::1', 'ipv6');

function isLoopback(address: string): boolean {
  return loopbackAddresses.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
}

function checkKey(apiKey: string | undefined, host: string, loopback: boolean): void {
  const make = 'make one with: openssl rand -hex 32';
  if (apiKey === undefined && !loopback) {
    throw new UnavailableError(
      `${host} can be reached from other machines, which could then run code here: set an API key (${make}), or listen on 127.0.0.1`,
    );
  }
  if (apiKey !== undefined && !apiKeyPattern.test(apiKey)) {
    throw new UnavailableError(`the API key must be 16 or more printable ASCII characters without spaces; ${make}`);
  }
}

function hostsFor({ host, apiKey, allowedHost }: ListenOptions, loopback: boolean): readonly string[] | 'any' {
  if (apiKey !== undefined && !loopback && allowedHost.length === 0) return 'any';
  const names = ['localhost', '127.0.0.1', '[::1]', urlOf(host, 80).hostname];
  return [...names, ...allowedHost.map(nameOf)];
}

function nameOf(host: string): string {
  const name = /^[^/?#@\\]+$/.test(host) ? URL.parse(`http://${host}`)?.hostname : undefined;
  if (name !== undefined) return name;
  throw new UnavailableError(`"${host}" cannot be an allowed host: give a name such as run.example.com`);
}

function urlOf(host: string, port: number): URL {
  const bare = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return new URL(`http://${bare}:${port}`);
}

function explain(error: Error, host: string, port: number): Error {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the port is in use; stop what listens there, or choose another port (0 takes a free one)',
    EACCES: 'the system keeps that port for itself; choose one above 1023',
    EADDRNOTAVAIL: 'this machine does not have that address; 127.0.0.1 is always there',
  };
  const reason = 'code' in error ? reasons[String(error.code)] : undefined;
  return reason === undefined
    ? error
    : new UnavailableError(`cannot listen on ${host}:${port}: ${reason}`, { cause: error });
}
