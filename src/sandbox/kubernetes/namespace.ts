import type { z } from 'zod';
import type { Answer, Api, ApiRequest } from './api.ts';
import { labels } from './job-manifest.ts';
import {
  type ClusterEvent,
  eventSchema,
  type JobObject,
  jobSchema,
  type Pod,
  pageSchema,
  podSchema,
} from './objects.ts';
import { bodyOf, failure, refusalOf } from './refusal.ts';

/** Label by which Kubernetes names a pod's Job. */
export const controllerUid = 'batch.kubernetes.io/controller-uid';

/** Objects per page of a list. */
const pageSize = '200';

/** What a list showed, all of it as it was at one moment. */
export interface Listing<T> {
  readonly items: readonly T[];
  /** From here on a watch continues without a gap. */
  readonly resourceVersion: string;
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly signal?: AbortSignal;
  /** Takes a list that the identity may not read for an empty one. */
  readonly dispensable?: true;
}

/** What one installation reads of one namespace, parsed. Every method throws what `failure` makes of a refusal. */
export interface Namespace {
  readonly api: Api;
  readonly name: string;
  readonly installationId: string;
  /** Selects every object of the installation. */
  readonly labelSelector: string;
  readonly paths: {
    readonly jobs: string;
    readonly configMaps: string;
    readonly pods: string;
    readonly events: string;
  };
  /** The Job of that name, whose uid may be any; undefined when there is none. */
  job(name: string): Promise<JobObject | undefined>;
  /** Every Job of the installation. */
  jobs(): Promise<readonly JobObject[]>;
  /** Our installation's pods that the Job's controller made for that uid. */
  podsOf(jobUid: string): Promise<readonly Pod[]>;
  /** Warnings about the object of that uid; none for an identity that may not read them, since they only add words. */
  warningsAbout(uid: string): Promise<readonly ClusterEvent[]>;
}

export function namespaceOf(api: Api, name: string, installationId: string): Namespace {
  const labelSelector = `${labels.installation}=${installationId}`;
  const core = `/api/v1/namespaces/${name}`;
  const paths = {
    jobs: `/apis/batch/v1/namespaces/${name}/jobs`,
    configMaps: `${core}/configmaps`,
    pods: `${core}/pods`,
    events: `${core}/events`,
  };
  return {
    api,
    name,
    installationId,
    labelSelector,
    paths,
    job: async (job) => {
      const body = await found(api, { method: 'GET', path: `${paths.jobs}/${job}` }, 'read the Job');
      return body === undefined ? undefined : jobSchema.parse(body);
    },
    jobs: async () => (await listAll(api, paths.jobs, jobSchema, { labelSelector })).items,
    podsOf: async (jobUid) => {
      const ofJob = `${labelSelector},${controllerUid}=${jobUid}`;
      const { items } = await listAll(api, paths.pods, podSchema, { labelSelector: ofJob });
      return items.filter((pod) => isOwnedBy(pod, jobUid));
    },
    warningsAbout: async (uid) => {
      const fieldSelector = `involvedObject.uid=${uid},type=Warning`;
      return (await listAll(api, paths.events, eventSchema, { fieldSelector, dispensable: true })).items;
    },
  };
}

/** Labels can be worn by any pod; every one that a Job made names it as its owner. */
export function isOwnedBy({ metadata }: Pod, jobUid: string): boolean {
  return metadata.ownerReferences.some(({ uid }) => uid === jobUid);
}

/** Sends a request whose object may not exist; undefined means that it does not. */
export async function found(api: Api, request: ApiRequest, action: string): Promise<unknown> {
  const answer = await api.send(request);
  return refusalOf(answer)?.kind === 'absent' ? undefined : bodyOf(answer, action);
}

/** Reads a whole list page by page; one that changed too much meanwhile is begun anew. */
export async function listAll<T extends z.ZodType>(
  api: Api,
  path: string,
  schema: T,
  { signal, dispensable, ...selectors }: ListOptions,
): Promise<Listing<z.infer<T>>> {
  const items: z.infer<T>[] = [];
  let next = '';
  for (;;) {
    const query = { ...selectors, limit: pageSize, ...(next === '' ? {} : { continue: next }) };
    const answer: Answer = await api.send({ method: 'GET', path, query, ...(signal === undefined ? {} : { signal }) });
    const refusal = refusalOf(answer);
    if (refusal?.kind === 'expired' && next !== '') {
      items.length = 0;
      next = '';
      continue;
    }
    if (refusal?.kind === 'forbidden' && dispensable) return { items, resourceVersion: '' };
    if (refusal !== undefined) throw failure(refusal, `list ${path.slice(path.lastIndexOf('/') + 1)}`);
    const page = pageSchema.parse(answer.body);
    items.push(...page.items.map((item) => schema.parse(item)));
    next = page.metadata.continue;
    if (next === '') return { items, resourceVersion: page.metadata.resourceVersion };
  }
}
