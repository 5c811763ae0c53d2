import { states } from '../execution/execution.ts';
import type { ListOptions } from '../executor.ts';
import { type ProblemEntry, ProblemError } from './problem.ts';

const defaultLimit = 20;
const maximumLimit = 100;

/** Reads `state`, `limit` and `cursor`; throws a 400 problem that lists everything wrong. */
export function parseListQuery(url: string): ListOptions {
  const { given, errors } = read(url, ['state', 'limit', 'cursor']);
  const state = states.find((known) => known === given['state']);
  if (given['state'] !== undefined && state === undefined) {
    errors.push({ parameter: 'state', detail: `must be one of ${states.join(', ')}` });
  }
  const limit = given['limit'] === undefined ? defaultLimit : toInteger(given['limit']);
  if (!(limit >= 1 && limit <= maximumLimit)) {
    errors.push({ parameter: 'limit', detail: `must be an integer from 1 to ${maximumLimit}` });
  }
  refuse(errors);
  return { state, limit, cursor: given['cursor'] };
}

/** Reads `include`, whose one value is `output`; throws a 400 problem for anything else. */
export function parseInclude(url: string): { readonly output: boolean } {
  const { given, errors } = read(url, ['include']);
  const include = given['include'];
  if (include !== undefined && include !== 'output') {
    errors.push({ parameter: 'include', detail: 'must be output, the only thing that can be included' });
  }
  refuse(errors);
  return { output: include === 'output' };
}

/** Throws a 400 problem when there are any parameters. */
export function refuseQuery(url: string): void {
  refuse(read(url, []).errors);
}

function read(url: string, known: readonly string[]) {
  const parameters = new URL(url).searchParams;
  const errors: ProblemEntry[] = [];
  const given: Record<string, string> = {};
  for (const parameter of new Set(parameters.keys())) {
    const [value = '', ...others] = parameters.getAll(parameter);
    if (!known.includes(parameter)) errors.push({ parameter, detail: 'is not a known parameter' });
    else if (others.length > 0) errors.push({ parameter, detail: 'is given more than once' });
    else given[parameter] = value;
  }
  return { given, errors };
}

function toInteger(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
}

function refuse(errors: readonly ProblemEntry[]): void {
  if (errors.length > 0) throw wrongQuery(errors);
}

/** The 400 problem of parameters that are wrong. */
export function wrongQuery(errors: readonly ProblemEntry[]): ProblemError {
  const detail = errors.map(({ parameter, detail }) => `${parameter} ${detail}`).join('; ');
  return new ProblemError('malformed-request', `the query is wrong: ${detail}`, { errors });
}
