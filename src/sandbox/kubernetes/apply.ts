import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Answer, Api } from './api.ts';
import type { Manifest } from './manifests.ts';
import { found } from './namespace.ts';
import { bodyOf, refusalOf } from './refusal.ts';

export interface ApplyOptions {
  /** Lets the server do everything but keep it. */
  readonly dryRun: boolean;
}

/** How an object was before it was applied, compared with how it is then. */
export type Finding =
  | { readonly kind: 'missing' }
  | { readonly kind: 'same' }
  /** `fields` are paths within the object, such as `spec.hard`. */
  | { readonly kind: 'different'; readonly fields: readonly string[] };

const resources = {
  Namespace: 'namespaces',
  ServiceAccount: 'serviceaccounts',
  ResourceQuota: 'resourcequotas',
  LimitRange: 'limitranges',
  NetworkPolicy: 'networkpolicies',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
} as const satisfies Record<Manifest['kind'], string>;

/** Objects of Kubernetes' own to which others add what we do not know: labels, finalizers, secrets of a registry. */
const shared: readonly string[] = ['Namespace', 'ServiceAccount'] satisfies readonly Manifest['kind'][];

const objectSchema = z.looseObject({
  metadata: z.looseObject({ uid: z.string(), labels: z.record(z.string(), z.string()).optional() }),
});
type Live = z.infer<typeof objectSchema>;

/** The manager of our fields, see https://kubernetes.io/docs/reference/using-api/server-side-apply. */
const fieldManager = 'gke-code-executor';

/** A controller that writes a status makes a replacement conflict; it is repeated at once. */
const attempts = 5;

/**
 * Makes an object be as its manifest says, with the rights of the caller. Throws what `failure` makes of a refusal, also in
 * a dry run: the server checks that as it does the real one.
 */
export async function applyManifest(api: Api, manifest: Manifest, { dryRun }: ApplyOptions): Promise<Finding> {
  const query = { fieldManager, ...(dryRun ? { dryRun: 'All' } : {}) };
  for (let attempt = 1; ; attempt++) {
    const live = await read(api, manifest);
    if (live !== undefined && bindsAnotherRole(live, manifest)) {
      if (!dryRun) await makeAnew(api, manifest, live, query);
      return { kind: 'different', fields: ['roleRef'] };
    }
    const answer = await write(api, manifest, live, query);
    const refusal = refusalOf(answer);
    if (refusal?.kind === 'conflict' && attempt < attempts) continue;
    // Its namespace is missing as well, which a dry run did not make.
    if (refusal?.kind === 'absent' && dryRun && live === undefined) return { kind: 'missing' };
    const written = bodyOf(answer, `apply ${titleOf(manifest)}`);
    if (live === undefined) return { kind: 'missing' };
    const fields = differences(contentOf(live), contentOf(objectSchema.parse(written)));
    return fields.length === 0 ? { kind: 'same' } : { kind: 'different', fields };
  }
}

/** Kind and name. */
export function titleOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`;
}

async function read(api: Api, manifest: Manifest): Promise<Live | undefined> {
  const body = await found(api, { method: 'GET', path: pathOf(manifest) }, `read ${titleOf(manifest)}`);
  return body === undefined ? undefined : objectSchema.parse(body);
}

/**
 * What is there already is replaced whole: a server-side apply leaves alone what somebody else has set, and in a policy
 * or a Role one more field may be a hole. Except for what is shared.
 */
function write(
  api: Api,
  manifest: Manifest,
  live: Live | undefined,
  query: Readonly<Record<string, string>>,
): Promise<Answer> {
  const path = pathOf(manifest);
  if (live === undefined || shared.includes(manifest.kind)) {
    return api.send({ method: 'PATCH', path, query: { ...query, force: 'true' }, body: manifest });
  }
  const labels = { ...live.metadata.labels, ...manifest.metadata.labels };
  const body = { ...manifest, metadata: { ...live.metadata, labels } };
  return api.send({ method: 'PUT', path, query, body });
}

/** The Role of a binding cannot be changed, but another binding can be made in its place. */
function bindsAnotherRole(live: Live, manifest: Manifest): boolean {
  return manifest.kind === 'RoleBinding' && !isDeepStrictEqual(live['roleRef'], manifest['roleRef']);
}

async function makeAnew(
  api: Api,
  manifest: Manifest,
  { metadata: { uid } }: Live,
  query: Readonly<Record<string, string>>,
): Promise<void> {
  const action = `apply ${titleOf(manifest)}`;
  bodyOf(await api.send({ method: 'DELETE', path: pathOf(manifest), body: { preconditions: { uid } } }), action);
  bodyOf(await write(api, manifest, undefined, query), action);
}

function pathOf({ apiVersion, kind, metadata }: Manifest): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${group}${place}/${resources[kind]}/${metadata.name}`;
}

/** All that is not the server's own book-keeping. */
function contentOf({ metadata, status: _, ...content }: Live): Readonly<Record<string, unknown>> {
  return { ...content, metadata: { labels: metadata.labels } };
}

/** Paths of what is not the same in both. */
function differences(one: unknown, other: unknown, path: readonly string[] = []): readonly string[] {
  if (isDeepStrictEqual(one, other)) return [];
  if (!isRecord(one) || !isRecord(other)) return [path.join('.')];
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].flatMap((key) => differences(one[key], other[key], [...path, key]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
