import type { Answer, Api, ApiRequest } from '../../../src/sandbox/kubernetes/api.ts';

/** Comes between a request and its answer: before, after or instead. Of `right` see `rightOf`. */
export type Meddle = (right: string, send: () => Promise<Answer>) => Promise<Answer>;

interface Recording {
  readonly api: Api;
  readonly called: (right: string, status: number) => void;
  readonly meddle: () => Meddle | undefined;
}

/** An API server of which every request is written down, by the right that it needs. */
export function recordedApi({ api, called, meddle }: Recording): Api {
  return {
    ...api,
    send: async (request) => {
      const right = rightOf(request);
      const send = async () => {
        const answer = await api.send(request);
        called(right, answer.status);
        return answer;
      };
      return (await meddle()?.(right, send)) ?? send();
    },
    open: async (request, silenceMs) => {
      const response = await api.open(request, silenceMs);
      called(rightOf(request), response.statusCode ?? 0);
      return response;
    },
  };
}

/** Verb and resource, as a Role has them: `list pods`, `get pods/log`. */
function rightOf({ method, path, query }: ApiRequest): string {
  const [, below] = /^\/apis?\/(?:batch\/)?v1\/namespaces\/[^/]+(.*)$/.exec(path) ?? [];
  if (below === undefined) throw new Error(`${path} is in no namespace`);
  const [, resource = 'namespaces', name, subresource] = below.split('/');
  const verb = verbOf(method, below === '' || name !== undefined, query);
  return subresource === undefined ? `${verb} ${resource}` : `${verb} ${resource}/${subresource}`;
}

function verbOf(method: ApiRequest['method'], named: boolean, query: ApiRequest['query']): string {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
    case 'GET':
      if (named) return 'get';
      return query?.['watch'] === 'true' ? 'watch' : 'list';
  }
}
