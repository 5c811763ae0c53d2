import { readdir, readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

/** Functions that work in the cluster; each has a Role of its own. */
export const identities = ['launch', 'watch', 'complete', 'reconcile', 'stream'] as const;
export type Identity = (typeof identities)[number];

export interface ClusterSettings {
  readonly namespace: string;
  /** Kubernetes' name of each identity's user; on GKE the email address of its service account. */
  readonly users: Readonly<Record<Identity, string>>;
  /** Most Jobs at a time; default: what the files say. */
  readonly maxJobs?: number | undefined;
}

const folder = new URL('../../../terraform/kubernetes/', import.meta.url);

/** Kinds in the order in which they can be applied: what others are in or refer to comes first. */
const kinds = ['Namespace', 'ResourceQuota', 'Role', 'RoleBinding'] as const;

const metadata = z.looseObject({ name: z.string() });
const namespaced = metadata.extend({ namespace: z.string() });
const manifestSchema = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('Namespace'), metadata }),
  z.looseObject({
    kind: z.literal('ResourceQuota'),
    metadata: namespaced,
    spec: z.looseObject({ hard: z.record(z.string(), z.string()) }),
  }),
  z.looseObject({ kind: z.literal('Role'), metadata: namespaced }),
  z.looseObject({
    kind: z.literal('RoleBinding'),
    metadata: namespaced,
    subjects: z.array(z.looseObject({ kind: z.literal('User'), name: z.enum(identities) })),
  }),
]);
type Template = z.infer<typeof manifestSchema>;

export interface Manifest {
  readonly kind: (typeof kinds)[number];
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** What a cluster needs before code can run in it, as in `terraform/kubernetes/`, in the order in which to apply it. */
export async function clusterManifests(settings: ClusterSettings): Promise<readonly Manifest[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')));
  const manifests = texts.flatMap(parse).map((template) => filled(template, settings));
  return manifests.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
}

function parse(text: string): readonly Template[] {
  return parseAllDocuments(text).map((document) => {
    for (const error of document.errors) throw error;
    return manifestSchema.parse(document.toJS());
  });
}

function filled(template: Template, { namespace, users, maxJobs }: ClusterSettings): Manifest {
  if (template.kind === 'Namespace') return { ...template, metadata: { ...template.metadata, name: namespace } };
  const placed = { ...template, metadata: { ...template.metadata, namespace } };
  switch (placed.kind) {
    case 'Role':
      return placed;
    case 'RoleBinding':
      return { ...placed, subjects: placed.subjects.map((subject) => ({ ...subject, name: users[subject.name] })) };
    case 'ResourceQuota': {
      const limit = maxJobs === undefined ? {} : { 'count/jobs.batch': String(maxJobs) };
      return { ...placed, spec: { ...placed.spec, hard: { ...placed.spec.hard, ...limit } } };
    }
  }
}
