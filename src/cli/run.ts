import { extname } from 'node:path';
import { languages } from '../execution/execution.ts';
import { isNamed } from '../execution/output-files.ts';
import type { Executor } from '../executor.ts';
import { withOutput } from '../http/representation.ts';
import type { Resource } from '../resource.ts';
import { connect, type SandboxOptions } from './connect.ts';
import { CliError, LostSightError, printable } from './errors.ts';
import { endingExitCodes, exitCodeOf } from './exit-code.ts';
import { readInputFiles, writeOutputFiles } from './files.ts';
import { readInput } from './input.ts';
import { phaseLine } from './phase-line.ts';
import { write } from './write.ts';

export interface RunOptions extends SandboxOptions {
  readonly json?: boolean;
  readonly language?: string;
  readonly timeout?: number;
  readonly startTimeout?: number;
  readonly memory?: number;
  readonly cpu?: number;
  readonly env: Readonly<Record<string, string>>;
  readonly label: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly file: readonly string[];
  readonly output: readonly string[];
  readonly outputDir?: string;
  readonly image?: string;
  readonly idempotencyKey?: string;
}

const languageOf: Readonly<Record<string, string>> = {
  '.py': 'python',
  '.js': 'javascript',
  '.mjs': 'javascript',
  '.ts': 'typescript',
  '.mts': 'typescript',
  '.sh': 'shell',
};

/** Runs one program through the whole pipeline; resolves to the exit code. */
export async function run(file: string, args: readonly string[], options: RunOptions): Promise<number> {
  const body = await requestBody(file, args, options);
  const phase = phaseLine(process.stderr);
  let failure: unknown;
  phase.show('connecting');
  const { executor, close } = await connect(
    { ...options, language: languages.find((known) => known === body['language']) },
    (error) => {
      failure = error;
    },
  );
  try {
    const { execution } = await executor.submit(body, { idempotencyKey: options.idempotencyKey });
    try {
      const ended = await follow(executor, execution.id, phase.show);
      phase.clear();
      await (options.json ? printJson(executor, ended) : printStreams(executor, ended));
      await keepFiles(executor, ended, options);
      if (phase.visible && !options.json) explain(ended, failure);
      return exitCodeOf(ended);
    } catch (error) {
      throw new LostSightError(execution.id, error);
    }
  } finally {
    phase.clear();
    await close();
  }
}

/** Longer than any execution can take: every clock of it has run out by then. */
const foreverSeconds = 3 * 3600;

async function follow(executor: Executor, id: string, show: (phase: string) => void): Promise<Resource> {
  const cancelling = cancelOnSignal(executor, id);
  const waiting = executor.wait(id, foreverSeconds, (now) => show(describe(now)));
  const ended = await Promise.race([waiting, cancelling.failed]);
  cancelling.release();
  if (ended === undefined) throw new CliError('it was deleted while it ran');
  return ended;
}

function describe({ state, waiting }: Resource): string {
  return waiting === null
    ? state.toLowerCase()
    : printable(`${state.toLowerCase()}: ${waiting.message || waiting.reason}`);
}

/** The first signal cancels the execution, and the wait then ends by itself; the second ends this process. */
function cancelOnSignal(executor: Executor, id: string) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const { promise: failed, reject } = Promise.withResolvers<never>();
  let asked = false;
  const onSignal = () => {
    if (asked) process.exit(endingExitCodes.CANCELLED);
    asked = true;
    executor.cancel(id).catch(reject);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    /** Rejects when the wish could not be delivered. */
    failed,
    release: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

async function printStreams(executor: Executor, { id }: Resource): Promise<void> {
  const [stdout, stderr] = await Promise.all([executor.output(id, 'stdout'), executor.output(id, 'stderr')]);
  await write(process.stdout, stdout ?? new Uint8Array());
  await write(process.stderr, stderr ?? new Uint8Array());
}

async function printJson(executor: Executor, ended: Resource): Promise<void> {
  const shown = await withOutput(executor, ended);
  await write(process.stdout, Buffer.from(`${JSON.stringify(shown, null, 2)}\n`));
}

/** Output files are in the JSON; else those that the user named are written where the user is, or wants them. */
async function keepFiles(executor: Executor, { id, result }: Resource, options: RunOptions): Promise<void> {
  const directory = options.outputDir ?? (options.json ? undefined : '.');
  if (directory === undefined || result === null || result.files.length === 0) return;
  const files = (await executor.files(id)) ?? [];
  writeOutputFiles(
    directory,
    files.filter(({ path }) => isNamed(path, options.output)),
  );
}

function explain({ state, result }: Resource, failure: unknown): void {
  if (result === null) return;
  const cut = (['stdout', 'stderr'] as const).filter((stream) => result[stream].truncated);
  for (const stream of cut) {
    const { bytes, totalBytes } = result[stream];
    process.stderr.write(`gke-code-executor: ${stream} was cut after ${bytes} of ${totalBytes} bytes\n`);
  }
  if (result.omittedFiles > 0) {
    process.stderr.write(
      `gke-code-executor: ${result.omittedFiles} output files did not come back: over the limits, or by a name that cannot\n`,
    );
  }
  if (state === 'SUCCEEDED' || state === 'FAILED') return;
  const because = printable(result.message || (failure instanceof Error ? failure.message : ''));
  process.stderr.write(`gke-code-executor: ${state}${because === '' ? '' : `: ${because}`}\n`);
}

async function requestBody(
  file: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Record<string, unknown>> {
  if (file === '-' && options.stdin === '-')
    throw new CliError('code and --stdin cannot both come from standard input');
  const language = options.language ?? languageOf[extname(file)];
  if (language === undefined)
    throw new CliError(`cannot tell the language of ${file}; give --language ${languages.join(', ')}`);
  const given = {
    image: options.image,
    timeoutSeconds: options.timeout,
    startTimeoutSeconds: options.startTimeout,
    memoryLimitMiB: options.memory,
    cpuLimitMillicores: options.cpu,
    stdinBase64:
      options.stdin === undefined ? undefined : (await readInput('--stdin', options.stdin)).toString('base64'),
  };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const files = { files: await readInputFiles(options.file), outputFiles: options.output };
  return { language, code: await readCode(file), args, env: options.env, labels: options.label, ...files, ...set };
}

async function readCode(file: string): Promise<string> {
  const bytes = await readInput('the code', file);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new CliError(`${file} is not UTF-8; convert it first`);
    throw error;
  }
}
