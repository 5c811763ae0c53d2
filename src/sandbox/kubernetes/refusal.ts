import { z } from 'zod';
import { UnavailableError } from '../../errors.ts';
import type { Answer } from './api.ts';

/** Why the API server did not do what it was asked. */
type RefusalKind =
  /** The object (or the namespace it should be in) does not exist. */
  | 'absent'
  /** An object of that name exists already. */
  | 'exists'
  /** Somebody changed the object, or the quota, at the same moment; or a precondition does not hold. */
  | 'conflict'
  /** A ResourceQuota is used up. */
  | 'quota'
  /** The namespace is being deleted. */
  | 'terminating'
  /** The credentials are missing, wrong or expired. */
  | 'unauthorized'
  /** The identity lacks the right. */
  | 'forbidden'
  /** Something in front of the API server refused; at a GKE endpoint that is Google Cloud's IAM. */
  | 'barred'
  /** The schema or an admission policy said no; the same request will be refused again. */
  | 'denied'
  /** A resource version or a page token that is too old. */
  | 'expired'
  /** Overload or an error of the server; the same request may succeed later. */
  | 'transient';

export interface Refusal {
  readonly kind: RefusalKind;
  readonly message: string;
}

const statusSchema = z.object({
  kind: z.literal('Status'),
  reason: z.string().default(''),
  message: z.string().default(''),
  details: z
    .object({ causes: z.array(z.object({ reason: z.string().default('') })).default([]) })
    .default({ causes: [] }),
});
type Status = z.infer<typeof statusSchema>;

/** How Google's front ends say no (https://google.aip.dev/193). */
const googleError = z.object({ error: z.object({ message: z.string() }) });

/** Longest text of a refusal that is passed on, as one line; policies may print the whole object. */
const maxMessageLength = 1000;

/** Says why an answer is not a success; undefined for one that is (status below 400). */
export function refusalOf({ status: code, body }: Answer): Refusal | undefined {
  if (code < 400) return undefined;
  const parsed = statusSchema.safeParse(body);
  const status = parsed.success ? parsed.data : { reason: '', message: plain(code, body), details: { causes: [] } };
  const message = status.message.replaceAll(/\s*\n\s*/g, ' ').slice(0, maxMessageLength);
  if (code === 403 && !parsed.success) return { kind: 'barred', message };
  return { kind: kindOf(code, { kind: 'Status', ...status }), message };
}

function plain(code: number, body: unknown): string {
  const text = googleError.safeParse(body).data?.error.message ?? (typeof body === 'string' ? body.trim() : '');
  return text === '' ? `HTTP ${code}` : `HTTP ${code}: ${text}`;
}

function kindOf(code: number, status: Status): RefusalKind {
  switch (code) {
    case 401:
      return 'unauthorized';
    case 403:
      return kindOf403(status);
    case 404:
      return 'absent';
    case 409:
      return status.reason === 'AlreadyExists' ? 'exists' : 'conflict';
    case 410:
      return 'expired';
    case 408:
    case 429:
      return 'transient';
    default:
      return code < 500 ? 'denied' : 'transient';
  }
}

/** 403 is said by the authorizer, by quotas, by namespaces that are going and by admission policies alike. */
function kindOf403({ message, details }: Status): RefusalKind {
  if (details.causes.some(({ reason }) => reason === 'NamespaceTerminating')) return 'terminating';
  // Until its controller has counted what is used, a new quota refuses too.
  if (/exceeded quota|status unknown for quota/.test(message)) return 'quota';
  return /cannot \S+ (resource|path)|attempting to grant RBAC permissions/.test(message) ? 'forbidden' : 'denied';
}

/** The body of a successful answer; throws UnavailableError for what an operator must cure, Error for all else. */
export function bodyOf(answer: Answer, action: string): unknown {
  const refusal = refusalOf(answer);
  if (refusal !== undefined) throw failure(refusal, action);
  return answer.body;
}

/** The error for a refusal that is no value of the port; `action` is what was tried, for example "create the Job". */
export function failure({ kind, message }: Refusal, action: string): Error {
  switch (kind) {
    case 'unauthorized':
      return new UnavailableError(
        `cannot ${action}: the cluster does not accept the credentials (${message}); sign in again or renew the kubeconfig`,
      );
    case 'forbidden':
      return new UnavailableError(`cannot ${action}: ${message}; ${grant(message)}`);
    case 'barred':
      return new UnavailableError(
        `cannot ${action}: something in front of the API server refuses this identity (${message}); on GKE grant it a role with the permission container.clusters.connect`,
      );
    case 'terminating':
      return new UnavailableError(`cannot ${action}: ${message}; use a namespace that is not being deleted`);
    default:
      return new Error(`cannot ${action}: ${message} (${kind})`);
  }
}

/** The API server names user, verb, resource and namespace in its message; the commands that would allow it follow. */
function grant(message: string): string {
  const said =
    /User "(?<user>[^"]*)" cannot (?<verb>\S+) resource "(?<resource>[^"]*)" in API group "(?<group>[^"]*)"(?: in the namespace "(?<namespace>[^"]*)")?/.exec(
      message,
    )?.groups;
  const { user, verb, resource, group, namespace } = said ?? {};
  if (user === undefined || namespace === undefined) return "ask the cluster's administrator for that right";
  const kind = group ? `${resource}.${group}` : resource;
  const name = `gke-code-executor-${verb}-${resource?.replace('/', '-')}`;
  const role = `kubectl --namespace ${namespace} create role ${name} --verb=${verb} --resource=${kind}`;
  const binding = `kubectl --namespace ${namespace} create rolebinding ${name} --role=${name} --user=${user}`;
  return `allow it with: ${role} && ${binding}`;
}
