import { z } from 'zod';
import { UnavailableError } from './errors.ts';
import { isImageRule } from './execution/images.ts';

/** A GKE cluster by its DNS endpoint, where the function's own identity signs in; or any cluster by a kubeconfig. */
export type ClusterConfig = { readonly namespace: string } & (
  | { readonly endpoint: string; readonly kubeconfig?: undefined }
  | { readonly kubeconfig: string; readonly endpoint?: undefined }
);

export interface GoogleCloudConfig {
  readonly projectId: string;
  /** Firestore database; default: `(default)`. */
  readonly databaseId: string;
  /** What the names of topics begin with; default: nothing. */
  readonly topicPrefix: string;
  /** Wanted of every HTTP request of a caller; undefined where IAM alone decides who may invoke. */
  readonly apiKey: string | undefined;
  /** Who owns the topic `executions`: the caller of every execution that comes by it. Default: `pubsub`. */
  readonly ingestCaller: string;
  /** Images that a request may name beside the default ones. Default: none. */
  readonly images: readonly string[];
}

/** What the name of a namespace must be: a DNS label, RFC 1123. */
export const namespacePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** Keys that a server accepts as its own: long enough not to be guessed, and safe in a header. */
export const apiKeyPattern = /^[\x21-\x7e]{16,}$/;
const hostName = /^[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?$/;

const googleSchema = z.object({
  GOOGLE_CLOUD_PROJECT: z.string('set it to the id of the Google Cloud project').min(1),
  FIRESTORE_DATABASE: z.string().min(1).default('(default)'),
  TOPIC_PREFIX: z
    .string()
    .regex(/^([a-z][a-z0-9-]{0,40})?$/, 'must be lower-case letters, digits and "-", 41 at most')
    .default(''),
  GKE_CODE_EXECUTOR_API_KEY: z
    .string()
    .regex(
      apiKeyPattern,
      'must be 16 or more printable ASCII characters without spaces; leave it out where IAM alone decides who may call',
    )
    .optional(),
  ALLOWED_IMAGES: z
    .string()
    .transform((list) => list.split(',').map((image) => image.trim()))
    .refine(
      (images) => images.every(isImageRule),
      'must be images with tag or digest, or prefixes that end in "/", ":" or "@", with commas between',
    )
    .default([]),
  INGEST_CALLER: z.string().min(1).max(100).default('pubsub'),
});

const clusterSchema = z
  .object({
    NAMESPACE: z
      .string('set it to the namespace that executions run in')
      .regex(namespacePattern, 'must be a DNS label'),
    GKE_ENDPOINT: z.string().regex(hostName, 'must be the DNS endpoint of the cluster, without https://').optional(),
    KUBECONFIG: z.string().min(1).optional(),
  })
  .refine(({ GKE_ENDPOINT, KUBECONFIG }) => (GKE_ENDPOINT === undefined) !== (KUBECONFIG === undefined), {
    message: 'set either GKE_ENDPOINT or KUBECONFIG',
    path: ['GKE_ENDPOINT'],
  });

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads what every function needs; throws UnavailableError that names all that is wrong. */
export function parseGoogleCloudConfig(env: Environment): GoogleCloudConfig {
  const given = parsed(googleSchema, env);
  return {
    projectId: given.GOOGLE_CLOUD_PROJECT,
    databaseId: given.FIRESTORE_DATABASE,
    topicPrefix: given.TOPIC_PREFIX,
    apiKey: given.GKE_CODE_EXECUTOR_API_KEY,
    ingestCaller: given.INGEST_CALLER,
    images: given.ALLOWED_IMAGES,
  };
}

/** Reads what functions with a cluster need beside; throws UnavailableError that names all that is wrong. */
export function parseClusterConfig(env: Environment): ClusterConfig {
  const { NAMESPACE: namespace, GKE_ENDPOINT: endpoint, KUBECONFIG: kubeconfig } = parsed(clusterSchema, env);
  if (endpoint !== undefined) return { namespace, endpoint };
  if (kubeconfig !== undefined) return { namespace, kubeconfig };
  throw new Error('the schema wants one of the two');
}

/**
 * An empty variable counts as not set, since deployment tools cannot always leave one out; but a key that came out empty
 * is a mistake, and would let everybody in.
 */
function parsed<T extends z.ZodType>(schema: T, env: Environment): z.infer<T> {
  const given = Object.entries(env).filter(([name, value]) => value !== '' || name === 'GKE_CODE_EXECUTOR_API_KEY');
  const set = Object.fromEntries(given);
  const { success, data, error } = schema.safeParse(set);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new UnavailableError(`the environment is not right: ${problems.join('; ')}`);
}
