import { outputPattern } from '../execution/output-files.ts';

/** What the supervisor in the pod needs to run one program. */
export type ProgramBundle = Readonly<{
  code: Uint8Array;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** What the program is run with; absent: the supervisor's own interpreter. */
  interpreter?: readonly string[] | undefined;
  /** Absent: the program reads an empty standard input. */
  stdin?: Uint8Array | undefined;
  /** Files of the work directory, packed: what `packFiles` makes are parts of a bundle. */
  files?: Uint8Array | undefined;
  /** Patterns of the files to hand out beside the results; none: only these. */
  outputFiles?: readonly string[] | undefined;
  /** How the name of the kernel must begin, else nothing runs; absent: any will do. */
  kernel?: string | undefined;
  /** Counted from the start of the container; fractions are kept to the millisecond. */
  timeoutSeconds: number;
  maxStdoutBytes: number;
  maxStderrBytes: number;
  maxOutputFileBytes?: number | undefined;
}>;

/**
 * The ConfigMap's `bundle`: a first line with the version, then parts, each `<kind> <length>\n<bytes>\n`.
 * Not JSON: importing a JSON parser costs Python 0.1 s under gVisor. `code` comes last, so a cut bundle never parses.
 */
export function writeBundle(program: ProgramBundle): Uint8Array {
  const { outputFiles = [] } = program;
  return Buffer.concat([
    Buffer.from('gke-code-executor bundle 1\n'),
    ...(program.kernel === undefined ? [] : [part('kernel', program.kernel)]),
    part('timeout', Math.max(1, Math.round(program.timeoutSeconds * 1000))),
    part('stdout', program.maxStdoutBytes),
    part('stderr', program.maxStderrBytes),
    ...(program.interpreter ?? []).map((word) => part('interpreter', word)),
    ...program.args.map((arg) => part('arg', arg)),
    ...Object.entries(program.env).map(([name, value]) => part('env', `${name}=${value}`)),
    ...(program.stdin ? [part('stdin', program.stdin)] : []),
    ...(outputFiles.length > 0 ? [part('asked', '')] : []),
    part('outputs', outputPattern({ outputFiles })),
    part('room', program.maxOutputFileBytes ?? 0),
    program.files ?? new Uint8Array(),
    part('code', program.code),
  ]);
}

function part(kind: string, content: Uint8Array | string | number): Uint8Array {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(String(content));
  return Buffer.concat([Buffer.from(`${kind} ${bytes.length}\n`), bytes, Buffer.from('\n')]);
}
