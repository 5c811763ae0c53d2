import { z } from 'zod';
import { UnavailableError } from '../../errors.ts';
import type { Api } from './api.ts';
import { runtimeClass } from './job-manifest.ts';
import { objectSchema } from './objects.ts';
import { bodyOf, failure, refusalOf } from './refusal.ts';

/** What to do when there is no RuntimeClass. */
export const runtimeClassFix =
  `the cluster has no RuntimeClass ${runtimeClass}, without which untrusted code is not run: on GKE add a node pool ` +
  'with "gcloud container node-pools create sandbox --cluster CLUSTER --sandbox type=gvisor", on minikube run ' +
  '"minikube addons enable gvisor"';

/** One right within the namespace. */
interface Right {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
}

/** Everything that one process which does all of it needs. */
const needed: readonly Right[] = [
  ...['create', 'get', 'list', 'watch', 'delete'].map((verb) => ({ group: 'batch', resource: 'jobs', verb })),
  ...['create', 'get'].map((verb) => ({ group: '', resource: 'configmaps', verb })),
  ...['get', 'list', 'watch'].map((verb) => ({ group: '', resource: 'pods', verb })),
  { group: '', resource: 'pods/log', verb: 'get' },
  { group: '', resource: 'events', verb: 'list' },
];

/**
 * Finds the namespace and checks that code can run in it: all rights, and the sandbox's RuntimeClass. Resolves to the
 * namespace's uid; throws UnavailableError that names what is missing and how to get it.
 */
export async function preflight(api: Api, namespace: string): Promise<string> {
  const [uid, missing, runtimeMissing] = await Promise.all([
    namespaceUid(api, namespace),
    missingRights(api, namespace),
    isRuntimeClassMissing(api),
  ]);
  if (missing.length > 0) throw new UnavailableError(rightsMessage(namespace, await whoAmI(api), missing));
  if (runtimeMissing) throw new UnavailableError(runtimeClassFix);
  return uid;
}

/** The namespace's uid; throws UnavailableError when it cannot be read, is missing or is being deleted. */
export async function namespaceUid(api: Api, namespace: string): Promise<string> {
  const answer = await api.send({ method: 'GET', path: `/api/v1/namespaces/${namespace}` });
  const refusal = refusalOf(answer);
  if (refusal?.kind === 'absent') {
    throw new UnavailableError(
      `the cluster has no namespace ${namespace}: make it with "kubectl create namespace ${namespace}"`,
    );
  }
  if (refusal !== undefined) throw failure(refusal, `read the namespace ${namespace}`);
  const { metadata } = objectSchema.parse(answer.body);
  if (metadata.deletionTimestamp !== null) {
    throw new UnavailableError(`the namespace ${namespace} is being deleted: use another one`);
  }
  return metadata.uid;
}

const rulesSchema = z.object({
  status: z.object({
    incomplete: z.boolean().default(false),
    resourceRules: z
      .array(
        z.object({
          verbs: z.array(z.string()),
          apiGroups: z.array(z.string()).default([]),
          resources: z.array(z.string()).default([]),
          resourceNames: z.array(z.string()).default([]),
        }),
      )
      .default([]),
  }),
});
type Rule = z.infer<typeof rulesSchema>['status']['resourceRules'][number];

/** One question answers all; where an authorizer cannot list its rules (Google's IAM), what is left is asked singly. */
async function missingRights(api: Api, namespace: string): Promise<readonly Right[]> {
  const answer = await api.send({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } },
  });
  const { status } = rulesSchema.parse(bodyOf(answer, 'ask for our rights'));
  const unlisted = needed.filter((right) => !status.resourceRules.some((rule) => allows(rule, right)));
  if (!status.incomplete) return unlisted;
  const allowed = await Promise.all(unlisted.map((right) => isAllowed(api, namespace, right)));
  return unlisted.filter((_, index) => !allowed[index]);
}

function allows(rule: Rule, { group, resource, verb }: Right): boolean {
  const has = (values: readonly string[], value: string) => values.includes(value) || values.includes('*');
  return (
    rule.resourceNames.length === 0 &&
    has(rule.verbs, verb) &&
    has(rule.apiGroups, group) &&
    has(rule.resources, resource)
  );
}

const accessSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

async function isAllowed(api: Api, namespace: string, right: Right): Promise<boolean> {
  const { group, verb } = right;
  const [resource, subresource] = right.resource.split('/');
  const resourceAttributes = { namespace, group, verb, resource, ...(subresource && { subresource }) };
  const answer = await api.send({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
  });
  return accessSchema.parse(bodyOf(answer, 'ask for a right')).status.allowed;
}

function rightsMessage(namespace: string, user: string, missing: readonly Right[]): string {
  const verbs = Map.groupBy(missing, ({ group, resource }) => (group === '' ? resource : `${resource}.${group}`));
  const said = [...verbs].map(([resource, rights]) => `${rights.map(({ verb }) => verb).join(',')} ${resource}`);
  return (
    `${user} lacks rights in the namespace ${namespace}: ${said.join('; ')}. Bind that user there to a Role that has ` +
    'them ("kubectl create role", "kubectl create rolebinding"), or ask the administrator of the cluster'
  );
}

const userSchema = z.object({ status: z.object({ userInfo: z.object({ username: z.string() }) }) });

async function whoAmI(api: Api): Promise<string> {
  const answer = await api.send({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  const user = userSchema.safeParse(answer.body);
  return user.success ? `the user ${user.data.status.userInfo.username}` : 'the user of this kubeconfig';
}

/** A cluster-wide object that many identities may not read: then the first Job shows what is wrong. */
export async function isRuntimeClassMissing(api: Api): Promise<boolean> {
  const answer = await api.send({ method: 'GET', path: `/apis/node.k8s.io/v1/runtimeclasses/${runtimeClass}` });
  return refusalOf(answer)?.kind === 'absent';
}
