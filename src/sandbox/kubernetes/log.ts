import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { leftOut } from '../../execution/files.ts';
import { type FrameDecoder, frameDecoder } from '../../supervisor/frames.ts';
import type { Job, SandboxOutput, SandboxSpec } from '../sandbox.ts';
import { type ApiRequest, answerOf } from './api.ts';
import { containerName } from './job-manifest.ts';
import type { Namespace } from './namespace.ts';
import { wasStarted } from './pod-status.ts';
import { failure, refusalOf } from './refusal.ts';

/** More than the supervisor ever writes and the kubelet keeps in one file: 10 MiB and a margin. */
const maxLogBytes = 11 * 1024 * 1024;
/** Milliseconds for all attempts together, and how long a log may be silent, which a finished one never is. */
const patience = { allMs: 30_000, silenceMs: 10_000 };
/** Milliseconds before each further attempt. */
const pauses = [200, 500, 1000];

/** What the node says when it has no log for it, or is rotating it: with status 200, which it has sent before it looks. */
const noLog = [
  'unable to retrieve container logs for ',
  'failed to try resolving symlinks in path ',
  'failed to open log file ',
  'container status is nil',
];
const longestNoLog = Math.max(...noLog.map((words) => words.length));

/**
 * Reads the pod's log as bytes and takes the program's streams out of it. `knownPod` is the pod's name when it was
 * looked up before. Empty and not complete when pod or log are gone or never were; throws when neither is known, as for
 * a node that does not answer.
 */
export async function readOutput(
  namespace: Namespace,
  job: Job,
  spec: SandboxSpec,
  knownPod: string | undefined,
): Promise<SandboxOutput> {
  const pod = knownPod ?? (await namespace.podsOf(job.jobUid)).find(wasStarted)?.metadata.name;
  if (pod === undefined) return nothing(spec);
  const signal = AbortSignal.timeout(patience.allMs);
  let read = await readOnce(namespace, pod, spec, signal);
  for (const pause of pauses) {
    if (read.kind === 'output') break;
    await sleep(pause);
    read = await readOnce(namespace, pod, spec, signal);
  }
  if (read.kind === 'failed') throw read.error;
  return read.kind === 'output' ? read.output : nothing(spec);
}

/** What asks for the log of a pod's program. */
export function logRequest(namespace: string, pod: string, query: ApiRequest['query']): ApiRequest {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log`;
  return { method: 'GET', path, query: { container: containerName, ...query } };
}

function nothing(spec: SandboxSpec): SandboxOutput {
  return { ...outputOf(frameDecoder(spec.request)), incompleteBecause: 'the pod or its log is gone' };
}

type Read =
  | { readonly kind: 'output'; readonly output: SandboxOutput }
  /** The node has no log for that container, or not yet. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly error: unknown };

async function readOnce(namespace: Namespace, pod: string, spec: SandboxSpec, signal: AbortSignal): Promise<Read> {
  const request = logRequest(namespace.name, pod, { limitBytes: String(maxLogBytes) });
  try {
    const response = await namespace.api.open({ ...request, signal }, patience.silenceMs);
    return response.statusCode === 200 ? await read(response, spec, signal) : await refused(response, spec);
  } catch (error) {
    return { kind: 'failed', error };
  }
}

async function read(response: IncomingMessage, spec: SandboxSpec, signal: AbortSignal): Promise<Read> {
  const decoder = frameDecoder(spec.request);
  let head = '';
  let size = 0;
  try {
    for await (const chunk of response) {
      const bytes: Buffer = chunk;
      if (head.length < longestNoLog) head += bytes.toString('latin1', 0, longestNoLog);
      decoder.push(bytes);
      size += bytes.length;
      if (size > maxLogBytes) break;
    }
  } catch (error) {
    // A program can fill its log with millions of lines, which the node sends one by one: what is late now never comes.
    if (!signal.aborted || size === 0) throw error;
    const incompleteBecause = 'the log was too long to be read in time';
    return { kind: 'output', output: { ...outputOf(decoder), complete: false, incompleteBecause } };
  }
  return isNoLog(head) ? { kind: 'lost' } : { kind: 'output', output: outputOf(decoder) };
}

/** Tells the words of a node that has no log from the beginning of one. */
export function isNoLog(head: string): boolean {
  return noLog.some((words) => head.startsWith(words));
}

async function refused(response: IncomingMessage, spec: SandboxSpec): Promise<Read> {
  const refusal = refusalOf(await answerOf(response));
  switch (refusal?.kind) {
    case 'absent':
    case 'denied':
      // The pod is gone, or (400) its container has no log because it was never created.
      return { kind: 'output', output: nothing(spec) };
    default:
      return { kind: 'failed', error: failure(refusal ?? { kind: 'transient', message: '' }, 'read the log') };
  }
}

function outputOf(decoder: FrameDecoder): SandboxOutput {
  const { stdout, stderr, files, complete, bare, kernel = null, advisory } = decoder.end();
  const signal = advisory !== undefined && 'signal' in advisory.exit ? advisory.exit.signal : null;
  return {
    stdout: { bytes: stdout.bytes, totalBytes: stdout.totalBytes },
    stderr: { bytes: stderr.bytes, totalBytes: stderr.totalBytes },
    files,
    // The supervisors send what they find, whatever its name.
    omittedFiles: (advisory?.omittedFiles ?? 0) + leftOut(files),
    complete,
    ...(bare ? { merged: true } : {}),
    kernel,
    report:
      advisory === undefined
        ? null
        : { signal, durationMs: advisory.durationMs, ...(advisory.timedOut ? { timedOut: true } : {}) },
  };
}
