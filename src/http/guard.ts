import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { ProblemError } from './problem.ts';

/** Who may talk to this server. */
export interface GuardOptions {
  /**
   * Host names it goes by, without port and in lower case (`localhost`, `[::1]`). A page that lets its own name
   * resolve to this machine is found out by its `Host`. `any` where a key or a front end decides instead.
   */
  readonly hosts: readonly string[] | 'any';
  readonly apiKey?: string | undefined;
}

/** Refuses unknown hosts and everything that a page of another site can make a browser send. */
export function siteGuard({ hosts }: GuardOptions): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header('host') ?? '';
    for (const name of [hostName(host), targetName(c.req.url)]) {
      if (hosts !== 'any' && !hosts.includes(name)) {
        throw new ProblemError('unknown-host', `this server does not answer to the host of this request; ${hostHint}`);
      }
    }
    requireSameSite(host, c.req.header('origin'), c.req.header('sec-fetch-site'));
    await next();
  };
}

const hostHint = 'use http://localhost, or start the server with that name as an allowed host';

function hostName(host: string): string {
  const name = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:\d{1,5})?$/i.exec(host)?.[1];
  return (name ?? refuseHost()).toLowerCase();
}

/** The host in the URL, which an absolute target may name apart from the header. */
function targetName(url: string): string {
  return URL.parse(url)?.hostname ?? refuseHost();
}

function refuseHost(): never {
  throw new ProblemError('malformed-request', 'the Host header must be one name, or name:port');
}

/** Browsers say where a request comes from, and pages cannot change it; other programs say nothing. */
function requireSameSite(host: string, origin: string | undefined, fetchSite: string | undefined): void {
  const ownOrigins = [`http://${host}`, `https://${host}`];
  const foreign = origin !== undefined && !ownOrigins.includes(origin);
  const sent = fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none';
  if (foreign || sent) {
    throw new ProblemError('cross-site-request', 'requests that a web page of another origin makes are refused');
  }
}

/** Wants the API key, when there is one, as `Authorization: Bearer`. */
export function keyGuard({ apiKey }: GuardOptions): MiddlewareHandler {
  const wanted = apiKey === undefined ? undefined : digest(apiKey);
  return async (c, next) => {
    if (wanted !== undefined) requireKey(wanted, c.req.header('authorization'));
    await next();
  };
}

function requireKey(wanted: Buffer, authorization: string | undefined): void {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (given === undefined) {
    throw unauthorized('send the API key of this server as Authorization: Bearer <key>', '');
  }
  if (!timingSafeEqual(wanted, digest(given))) {
    throw unauthorized('the API key is not the one of this server', ', error="invalid_token"');
  }
}

/** Digests have one length, so that the comparison takes one time whatever was sent. */
function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function unauthorized(detail: string, challenge: string): ProblemError {
  const headers = { 'WWW-Authenticate': `Bearer realm="gke-code-executor"${challenge}` };
  return new ProblemError('unauthorized', detail, { headers });
}
