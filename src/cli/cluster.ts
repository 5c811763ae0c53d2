import { namespacePattern } from '../config.ts';
import { type Api, kubernetesApi } from '../sandbox/kubernetes/api.ts';
import { applyManifest, type Finding, titleOf } from '../sandbox/kubernetes/apply.ts';
import { runtimeClass } from '../sandbox/kubernetes/job-manifest.ts';
import { loadKubeconfig } from '../sandbox/kubernetes/kubeconfig.ts';
import { clusterManifests, type Identity, identities, type Manifest } from '../sandbox/kubernetes/manifests.ts';
import { isRuntimeClassMissing, runtimeClassFix } from '../sandbox/kubernetes/preflight.ts';
import { CliError } from './errors.ts';
import { differentExitCode } from './exit-code.ts';
import { write } from './write.ts';

export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
  readonly maxJobs?: number;
  readonly allowImage: readonly string[];
  /** User of each identity that is to have its rights. */
  readonly user: Readonly<Record<string, string>>;
}

const applied = { missing: 'created', different: 'configured', same: 'unchanged' } as const;

/** Makes namespace, rights, limits and policies be as they should, and prints what became of each object. */
export async function apply(options: ClusterOptions & { readonly dryRun?: boolean }): Promise<number> {
  const { dryRun = false } = options;
  await withCluster(options, async (api, manifests) => {
    for (const manifest of manifests) {
      const { kind } = await applyManifest(api, manifest, { dryRun });
      await print(`${titleOf(manifest)} ${applied[kind]}${dryRun ? ' (dry run)' : ''}`);
    }
  });
  if (dryRun) process.stderr.write('gke-code-executor: this was a dry run, nothing was changed\n');
  return 0;
}

/** Prints which objects are missing or different from what `apply` would make, and exits with 1 if any is. */
export async function check(options: ClusterOptions): Promise<number> {
  let wrong = 0;
  let runtimeMissing = false;
  await withCluster(options, async (api, manifests) => {
    for (const manifest of manifests) {
      const finding = await applyManifest(api, manifest, { dryRun: true });
      if (finding.kind !== 'same') wrong++;
      await print(`${titleOf(manifest)} ${said(finding)}`);
    }
    runtimeMissing = await isRuntimeClassMissing(api);
    await print(`RuntimeClass/${runtimeClass} ${runtimeMissing ? 'missing' : 'ok'}`);
  });
  if (runtimeMissing) process.stderr.write(`gke-code-executor: ${runtimeClassFix}\n`);
  if (wrong > 0) {
    const fix = 'run "gke-code-executor cluster apply" with the same options';
    process.stderr.write(`gke-code-executor: ${wrong} missing or different: ${fix}\n`);
  }
  return wrong > 0 || runtimeMissing ? differentExitCode : 0;
}

function said(finding: Finding): string {
  if (finding.kind === 'different') return `different: ${finding.fields.join(', ')}`;
  return finding.kind === 'same' ? 'ok' : 'missing';
}

async function withCluster(
  options: ClusterOptions,
  use: (api: Api, manifests: readonly Manifest[]) => Promise<void>,
): Promise<void> {
  const { maxJobs, allowImage, ...place } = options;
  const namespace = ownNamespace(options.namespace);
  const manifests = await clusterManifests({
    namespace,
    maxJobs,
    users: usersOf(options.user),
    allowedImages: allowImage.map(imagePrefix),
  });
  const { access } = await loadKubeconfig(place);
  const api = kubernetesApi(access);
  try {
    await use(api, manifests);
  } finally {
    api.close();
  }
}

/** Other people's pods would be cut off from the network and refused. */
function ownNamespace(name: string): string {
  if (!namespacePattern.test(name)) {
    throw new CliError(`--namespace ${name} cannot be a namespace: use at most 63 of a-z, 0-9 and "-"`);
  }
  if (name === 'default' || name.startsWith('kube-')) {
    throw new CliError(`--namespace ${name} is not for executions alone: name one that is, such as executions`);
  }
  return name;
}

function usersOf(given: Readonly<Record<string, string>>): Partial<Record<Identity, string>> {
  const known: readonly string[] = identities;
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new CliError(`--user ${unknown}: is none of ${identities.join(', ')}`);
  return given;
}

/** A bare repository would allow every repository whose name goes on. */
function imagePrefix(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/.test(text) && (/[/:@]$/.test(text) || /[:@][^/]*$/.test(text))) return text;
  throw new CliError(
    `--allow-image ${text}: give an image with its tag or digest, or a prefix that ends in "/", ":" or "@"`,
  );
}

function print(line: string): Promise<void> {
  return write(process.stdout, Buffer.from(`${line}\n`));
}
