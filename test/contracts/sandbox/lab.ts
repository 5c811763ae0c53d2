import { randomBytes } from 'node:crypto';
import { classify, type Verdict } from '../../../src/execution/classify.ts';
import type { ExecutionRequest } from '../../../src/execution/execution.ts';
import { base32, executionId, installationIdBytes } from '../../../src/execution/identity.ts';
import { limits } from '../../../src/execution/limits.ts';
import type {
  Job,
  Sandbox,
  SandboxInput,
  SandboxOutput,
  SandboxSpec,
  SandboxStatus,
} from '../../../src/sandbox/sandbox.ts';
import type { Programs } from './programs.ts';

/** A place where code runs, as the suite needs to reach it. */
export interface SandboxFixture {
  /** Opens one more client of the place for that installation, as another process would. */
  open(installation: string): Promise<Sandbox>;
  /** Opens a client of another place, empty and with room for that many Jobs. */
  openWithRoom?(installation: string, jobs: number): Promise<Sandbox>;
  /** Whether a status is the one of a Job that is not there. Default: it is `absent`. */
  gone?(status: SandboxStatus): boolean;
  /** How often the code of a Job was started, where the place can tell. */
  starts?(job: Job): Promise<number>;
  /** Waits; real time unless the place has its own. */
  pause?(ms: number): Promise<void>;
  close?(): Promise<void>;
}

/** What one case works with: an installation of its own on the shared place. */
export interface Lab {
  readonly fixture: SandboxFixture;
  readonly installation: string;
  readonly sandbox: Sandbox;
  readonly programs: Programs;
}

/** A Job with what it was made from. */
export interface Made {
  readonly job: Job;
  readonly spec: SandboxSpec;
}

export const newInstallation = () => base32(randomBytes(installationIdBytes));

export function request(fields: Partial<ExecutionRequest> = {}): ExecutionRequest {
  return {
    language: 'python',
    args: [],
    env: {},
    envNames: [],
    image: null,
    labels: {},
    codeBytes: 0,
    stdinBytes: 0,
    files: [],
    outputFiles: [],
    maxOutputFileBytes: 0,
    timeoutSeconds: 30,
    startTimeoutSeconds: limits.startTimeoutSeconds.default,
    cpuRequestMillicores: limits.cpuRequestMillicores.minimum,
    cpuLimitMillicores: 1000,
    memoryRequestMiB: limits.memoryRequestMiB.minimum,
    memoryLimitMiB: limits.memoryLimitMiB.default,
    maxStdoutBytes: limits.maxStdoutBytes.default,
    maxStderrBytes: limits.maxStderrBytes.default,
    ...fields,
  };
}

export function newSpec(fields: Partial<ExecutionRequest> = {}): SandboxSpec {
  return { executionId: executionId(randomBytes(16)), request: request(fields) };
}

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (of: Uint8Array) => Buffer.from(of).toString();
export const input = (code: string, stdin = bytes(''), files: Uint8Array = bytes('')): SandboxInput => ({
  code: bytes(code),
  stdin,
  files,
});
export const permitted = () => Promise.resolve(true);

export async function make(sandbox: Sandbox, spec: SandboxSpec): Promise<Made> {
  const creation = await sandbox.create(spec);
  if (creation.kind !== 'created') throw new Error(`not created but ${creation.kind}: ${creation.message}`);
  return { job: { executionId: spec.executionId, jobUid: creation.jobUid }, spec };
}

export async function launch(
  { sandbox }: Pick<Lab, 'sandbox'>,
  code: string,
  fields: Partial<ExecutionRequest> = {},
  stdin = bytes(''),
  files: Uint8Array = bytes(''),
): Promise<Made> {
  const made = await make(sandbox, newSpec({ codeBytes: bytes(code).length, stdinBytes: stdin.length, ...fields }));
  const start = await sandbox.start(made.job, made.spec, input(code, stdin, files), permitted);
  if (start !== 'started') throw new Error(`not started but ${start}`);
  return made;
}

const pollMs = 50;

/** Asks again until the answer is not undefined; how long depends on how busy the machine is, so it is patient. */
export async function until<T>(lab: Lab, ask: () => Promise<T | undefined> | T | undefined, patienceMs = 60_000) {
  for (let waited = 0; waited < patienceMs; waited += pollMs) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await pause(lab, pollMs);
  }
  throw new Error(`not so within ${patienceMs} ms: ${ask}`);
}

export function pause({ fixture }: Lab, ms: number): Promise<void> {
  return fixture.pause?.(ms) ?? new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until the Job's status is of that kind. */
export function seen<K extends SandboxStatus['kind']>(lab: Lab, job: Job, kind: K) {
  return until(lab, async () => {
    const status = await lab.sandbox.inspect(job);
    return isOfKind(status, kind) ? status : undefined;
  });
}

export function isOfKind<K extends SandboxStatus['kind']>(
  status: SandboxStatus,
  kind: K,
): status is Extract<SandboxStatus, { kind: K }> {
  return status.kind === kind;
}

export function isGone({ fixture }: Pick<Lab, 'fixture'>, status: SandboxStatus): boolean {
  return fixture.gone?.(status) ?? status.kind === 'absent';
}

export interface Run extends Made {
  readonly verdict: Verdict;
  readonly output: SandboxOutput;
}

/** Runs a program to its end and says what the pipeline would say. */
export async function run(
  lab: Lab,
  code: string,
  fields: Partial<ExecutionRequest> = {},
  stdin = bytes(''),
  files: Uint8Array = bytes(''),
): Promise<Run> {
  const made = await launch(lab, code, fields, stdin, files);
  return { ...made, ...(await judged(lab, made)) };
}

export async function judged(lab: Lab, { job, spec }: Made): Promise<Pick<Run, 'verdict' | 'output'>> {
  const { ending } = await seen(lab, job, 'ended');
  const output = await lab.sandbox.output(job, spec);
  const context = { timeoutSeconds: spec.request.timeoutSeconds, started: true, report: output.report };
  return { verdict: classify(ending, context), output };
}
