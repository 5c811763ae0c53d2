import { createHash } from 'node:crypto';
import { resultsFile } from '../execution/files.ts';
import type { Executor, Stream } from '../executor.ts';
import { type Resource, readable } from '../resource.ts';
import { parseResults } from '../results.ts';

/** Where an execution is found. */
export function pathOf(id: string): string {
  return `/v1/executions/${id}`;
}

/**
 * The entity tag of an execution as it is now. The output needs no part in it: it appears with the final state and
 * never changes.
 */
export function entityTag(resource: Resource, include: { readonly output: boolean }): string {
  const hash = createHash('sha256').update(JSON.stringify([include.output, resource]));
  return `"${hash.digest('base64url').slice(0, 22)}"`;
}

/** The tags in an `If-None-Match`; comparison is weak (RFC 9110 §13.1.2). */
export function entityTagsIn(header: string | undefined): readonly string[] {
  return (header ?? '').match(/"[^"]*"/g) ?? [];
}

/** The execution as JSON, with its tag, and with what it printed when that was asked for and it has ended. */
export async function represent(
  executor: Executor,
  resource: Resource,
  include: { readonly output: boolean },
): Promise<{ readonly body: string; readonly headers: Record<string, string> }> {
  const shown = include.output ? await withOutput(executor, resource) : resource;
  return {
    body: JSON.stringify(shown),
    headers: { 'Content-Type': 'application/json', ETag: entityTag(resource, include) },
  };
}

/** With what it printed and the files that came back, once it has ended. */
export async function withOutput(executor: Executor, resource: Resource): Promise<Resource> {
  const { result } = resource;
  if (result === null) return resource;
  const read = async (stream: Stream) => {
    const bytes = (await executor.output(resource.id, stream)) ?? new Uint8Array();
    return { ...result[stream], ...readable(bytes, result[stream]) };
  };
  const [stdout, stderr, entries = []] = await Promise.all([
    read('stdout'),
    read('stderr'),
    result.files.length > 0 ? executor.files(resource.id) : [],
  ]);
  const files = entries.map(({ path, bytes }) => ({
    path,
    bytes: bytes.length,
    ...readable(bytes, { truncated: false }),
  }));
  const results = entries.filter(({ path }) => path === resultsFile).flatMap(({ bytes }) => parseResults(bytes));
  return { ...resource, result: { ...result, stdout, stderr, files, results } };
}
