import { readdir, readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { containerBounds, policyVariables } from './policy-values.ts';

/** Functions that work in the cluster; each has a Role of its own. */
export const identities = ['launch', 'watch', 'complete', 'reconcile', 'stream'] as const;
export type Identity = (typeof identities)[number];

export interface ClusterSettings {
  readonly namespace: string;
  /** Kubernetes' name of each identity's user; on GKE the email address of its service account. Without one it is not bound. */
  readonly users: Readonly<Partial<Record<Identity, string>>>;
  /** Most Jobs at a time; default: what the files say. */
  readonly maxJobs?: number | undefined;
  /** Images beside those that a request gets by itself: whole references, or prefixes that end in `/`, `:` or `@`. */
  readonly allowedImages?: readonly string[] | undefined;
}

const folder = new URL('../../../terraform/kubernetes/', import.meta.url);

/** Kinds in the order in which they can be applied: what others are in or refer to comes first. */
const kinds = [
  'Namespace',
  'ServiceAccount',
  'ResourceQuota',
  'LimitRange',
  'NetworkPolicy',
  'Role',
  'RoleBinding',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
] as const;

/** On what belongs to no namespace but to one of ours: the name of that. */
const namespaceLabel = 'gke-code-executor/namespace';

const named = z.looseObject({ name: z.string() });
const anywhere = z.looseObject({ apiVersion: z.string(), metadata: named });
const namespaced = anywhere.extend({ metadata: named.extend({ namespace: z.string() }) });
/** Of the whole cluster, and so named after the namespace too. */
const suffixed = z.string().endsWith('.executions');
const clusterWide = anywhere.extend({ metadata: named.extend({ name: suffixed }) });

const manifestSchema = z.discriminatedUnion('kind', [
  anywhere.extend({ kind: z.literal('Namespace') }),
  namespaced.extend({ kind: z.enum(['ServiceAccount', 'NetworkPolicy', 'Role']) }),
  namespaced.extend({
    kind: z.literal('ResourceQuota'),
    spec: z.looseObject({ hard: z.record(z.string(), z.string()) }),
  }),
  namespaced.extend({
    kind: z.literal('LimitRange'),
    spec: z.looseObject({ limits: z.tuple([z.looseObject({ type: z.literal('Container') })]) }),
  }),
  namespaced.extend({
    kind: z.literal('RoleBinding'),
    subjects: z.tuple([z.looseObject({ kind: z.literal('User'), name: z.enum(identities) })]),
  }),
  clusterWide.extend({
    kind: z.literal('ValidatingAdmissionPolicy'),
    spec: z.looseObject({
      matchConstraints: z.looseObject({}),
      variables: z.array(z.object({ name: z.string(), expression: z.string() })).default([]),
    }),
  }),
  clusterWide.extend({
    kind: z.literal('ValidatingAdmissionPolicyBinding'),
    spec: z.looseObject({ policyName: suffixed }),
  }),
]);
type Template = z.infer<typeof manifestSchema>;

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: (typeof kinds)[number];
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** What a cluster needs before code can run in it, as in `terraform/kubernetes/`, in the order in which to apply it. */
export async function clusterManifests(settings: ClusterSettings): Promise<readonly Manifest[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')));
  const manifests = texts.flatMap(parse).flatMap((template) => filled(template, settings));
  return manifests.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
}

function parse(text: string): readonly Template[] {
  return parseAllDocuments(text).map((document) => {
    for (const error of document.errors) throw error;
    return manifestSchema.parse(document.toJS());
  });
}

/** The manifest as it is to be applied; none for the binding of an identity that nobody is. */
function filled(template: Template, settings: ClusterSettings): readonly Manifest[] {
  const { namespace } = settings;
  switch (template.kind) {
    case 'Namespace':
      return [{ ...template, metadata: { ...template.metadata, name: namespace } }];
    case 'ValidatingAdmissionPolicy': {
      const here = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
      const matchConstraints = { ...template.spec.matchConstraints, namespaceSelector: here };
      const known = policyVariables(settings.allowedImages ?? []);
      const variables = template.spec.variables.map(({ name, expression }) => ({
        name,
        expression: known[name] ?? expression,
      }));
      const spec = { ...template.spec, matchConstraints, variables };
      return [{ ...template, ...ownedBy(template, namespace), spec }];
    }
    case 'ValidatingAdmissionPolicyBinding': {
      const policyName = suffixedWith(namespace, template.spec.policyName);
      return [{ ...template, ...ownedBy(template, namespace), spec: { ...template.spec, policyName } }];
    }
    default:
      return placed({ ...template, metadata: { ...template.metadata, namespace } }, settings);
  }
}

type Placed = Extract<Template, z.infer<typeof namespaced>>;

function placed(template: Placed, { users, maxJobs }: ClusterSettings): readonly Manifest[] {
  switch (template.kind) {
    case 'LimitRange': {
      const [container] = template.spec.limits;
      return [{ ...template, spec: { ...template.spec, limits: [{ ...container, ...containerBounds }] } }];
    }
    case 'ResourceQuota': {
      const limit = maxJobs === undefined ? {} : { 'count/jobs.batch': String(maxJobs) };
      return [{ ...template, spec: { ...template.spec, hard: { ...template.spec.hard, ...limit } } }];
    }
    case 'RoleBinding': {
      const [subject] = template.subjects;
      const name = users[subject.name];
      return name === undefined ? [] : [{ ...template, subjects: [{ ...subject, name }] }];
    }
    default:
      return [template];
  }
}

function ownedBy({ metadata }: Template, namespace: string): Pick<Manifest, 'metadata'> {
  return { metadata: { name: suffixedWith(namespace, metadata.name), labels: { [namespaceLabel]: namespace } } };
}

function suffixedWith(namespace: string, name: string): string {
  return `${name.slice(0, name.lastIndexOf('.'))}.${namespace}`;
}
