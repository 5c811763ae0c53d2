import { z } from 'zod';
import type { Problem } from '../errors.ts';
import { type ExecutionRequest, type Language, languages } from './execution.ts';
import { mainFiles, packFiles, pathProblem } from './files.ts';
import { canonicalJson } from './identity.ts';
import { type AllowedImages, imageProblem } from './images.ts';
import { type LimitName, limits, sizes } from './limits.ts';
import { globProblem } from './output-files.ts';

/** A request that was checked: the record's part of it, and the bytes that travel beside it. */
export interface Submission {
  readonly request: ExecutionRequest;
  readonly code: Uint8Array;
  readonly stdin: Uint8Array;
  /** Packed, see `packFiles`. */
  readonly files: Uint8Array;
  /** What was asked for, word by word: without defaults, which another version may fill in otherwise. */
  readonly given: string;
}

/** What depends on the sandbox that will run it. */
export interface RequestRules {
  /** Null where it does not run that language. */
  readonly minimumMemoryMiB: (language: Language) => number | null;
  readonly images: AllowedImages;
}

export type ParsedRequest =
  | { readonly ok: true; readonly submission: Submission }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Checks the JSON body of a submission and lists every problem with its JSON pointer; never throws. */
export function parseRequest(body: unknown, rules: RequestRules): ParsedRequest {
  const shape = bodySchema.safeParse(body);
  if (!shape.success) return { ok: false, problems: shape.error.issues.flatMap(toProblems) };
  const submission = { ...toSubmission(shape.data), given: canonicalJson(body) };
  const problems = crossCheck(shape.data, submission, rules);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, submission };
}

const encoder = new TextEncoder();

/** Text that survives UTF-8: a lone surrogate would be replaced silently. */
const unicode = z
  .string({ error: 'must be a string' })
  .refine((value) => value.isWellFormed(), 'must not contain lone surrogates');

/** Text that survives C strings too: a NUL would end it. */
const text = unicode.refine((value) => !value.includes('\0'), 'must not contain NUL');

function limited(name: LimitName) {
  const { minimum, maximum } = limits[name];
  const rule = `must be an integer from ${minimum} to ${maximum}`;
  return z.number({ error: rule }).refine((value) => Number.isInteger(value) && value >= minimum && value <= maximum, {
    error: ({ input }) => `${rule}, got ${input}`,
  });
}

function listed<T extends z.ZodType>(item: T, maximum: number, items = 'strings') {
  return z.array(item, { error: `must be a list of ${items}` }).max(maximum, `must have at most ${maximum} entries`);
}

function mapping<V extends z.ZodType>(key: z.ZodString, value: V, maximum: number) {
  const rule = 'must be an object of strings';
  const record = z
    .record(key, value, { error: (issue) => (issue.code === 'invalid_key' ? undefined : rule) })
    .refine((map) => Object.keys(map).length <= maximum, { error: `must have at most ${maximum} entries` });
  // zod leaves this key out without a word.
  const named = z.unknown().refine((map) => !Object.hasOwn(Object(map), '__proto__'), 'must not contain __proto__');
  return named.pipe(record);
}

const envName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'names must be letters, digits and _, not starting with a digit')
  .max(sizes.env.nameBytes, `names must have at most ${sizes.env.nameBytes} bytes`);

const labelRule = 'must be at most 63 letters, digits, -, _ and ., beginning and ending with a letter or digit';
const labelPattern = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

/** A string of which `problem` finds nothing wrong. */
function sound(problem: (value: string) => string | undefined) {
  return z
    .string({ error: 'must be a string' })
    .refine((value) => problem(value) === undefined, { error: ({ input }) => problem(String(input)) });
}

const base64 = z.base64({ error: 'must be base64 (RFC 4648 §4)' });

const fileSchema = z
  .strictObject(
    { path: sound(pathProblem), content: unicode.optional(), contentBase64: base64.optional() },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be an object' : undefined) },
  )
  .refine(({ content, contentBase64 }) => (content === undefined) !== (contentBase64 === undefined), {
    error: 'must have either content or contentBase64',
  });

const bodySchema = z.strictObject(
  {
    language: z.enum(languages, { error: `must be one of ${languages.join(', ')}` }),
    code: text,
    args: listed(text, sizes.args.entries).default([]),
    env: mapping(envName, text, sizes.env.entries).default({}),
    stdin: unicode.optional(),
    stdinBase64: base64.optional(),
    files: listed(fileSchema, sizes.files.entries, 'files').default([]),
    outputFiles: listed(sound(globProblem), sizes.outputFiles.patterns).default([]),
    image: text
      .max(sizes.imageBytes, `must have at most ${sizes.imageBytes} characters`)
      .regex(/^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/, 'must be an image reference such as python:3.11-slim')
      .optional(),
    labels: mapping(
      z.string().regex(labelPattern, `names ${labelRule}`),
      z.string({ error: 'must be a string' }).regex(/^$|^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/, labelRule),
      sizes.labels.entries,
    ).default({}),
    timeoutSeconds: limited('timeoutSeconds').default(limits.timeoutSeconds.default),
    startTimeoutSeconds: limited('startTimeoutSeconds').default(limits.startTimeoutSeconds.default),
    cpuRequestMillicores: limited('cpuRequestMillicores').optional(),
    cpuLimitMillicores: limited('cpuLimitMillicores').default(limits.cpuLimitMillicores.default),
    memoryRequestMiB: limited('memoryRequestMiB').optional(),
    memoryLimitMiB: limited('memoryLimitMiB').default(limits.memoryLimitMiB.default),
    maxStdoutBytes: limited('maxStdoutBytes').default(limits.maxStdoutBytes.default),
    maxStderrBytes: limited('maxStderrBytes').default(limits.maxStderrBytes.default),
    maxOutputFileBytes: limited('maxOutputFileBytes').default(limits.maxOutputFileBytes.default),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be a JSON object' : undefined) },
);
type Body = z.infer<typeof bodySchema>;

function toSubmission(body: Body): Omit<Submission, 'given'> {
  const { code: source, stdin: text, stdinBase64, image, cpuRequestMillicores, memoryRequestMiB, ...rest } = body;
  const code = encoder.encode(source);
  const stdin = bytesOf(text, stdinBase64);
  const files = body.files.map(({ path, content, contentBase64 }) => ({
    path,
    bytes: bytesOf(content, contentBase64),
  }));
  const request = {
    ...rest,
    image: image ?? null,
    envNames: Object.keys(body.env),
    codeBytes: code.length,
    stdinBytes: stdin.length,
    files: files.map(({ path, bytes }) => ({ path, bytes: bytes.length })),
    cpuRequestMillicores:
      cpuRequestMillicores ?? Math.min(limits.cpuRequestMillicores.default, body.cpuLimitMillicores),
    memoryRequestMiB: memoryRequestMiB ?? Math.min(limits.memoryRequestMiB.default, body.memoryLimitMiB),
  };
  return { code, stdin, files: packFiles(files), request };
}

function bytesOf(text: string | undefined, base64Text: string | undefined): Uint8Array {
  return base64Text === undefined ? encoder.encode(text ?? '') : Buffer.from(base64Text, 'base64');
}

/** Rules that span fields; they run on a body whose every field is right by itself. */
function crossCheck(body: Body, submission: Submission, rules: RequestRules): Problem[] {
  const { request } = submission;
  const problems: Problem[] = [];
  if (body.stdin !== undefined && body.stdinBase64 !== undefined) {
    problems.push({ pointer: '/stdinBase64', message: 'give either stdin or stdinBase64, not both' });
  }
  const wrongImage = body.image === undefined ? undefined : imageProblem(body.image, rules.images);
  if (wrongImage !== undefined) problems.push({ pointer: '/image', message: wrongImage });
  if (request.cpuRequestMillicores > request.cpuLimitMillicores) {
    problems.push({
      pointer: '/cpuRequestMillicores',
      message: `must be at most cpuLimitMillicores, ${request.cpuLimitMillicores}`,
    });
  }
  if (request.memoryRequestMiB > request.memoryLimitMiB) {
    problems.push({
      pointer: '/memoryRequestMiB',
      message: `must be at most memoryLimitMiB, ${request.memoryLimitMiB}`,
    });
  }
  const minimum = rules.minimumMemoryMiB(request.language);
  if (minimum === null) {
    const known = languages.filter((language) => rules.minimumMemoryMiB(language) !== null);
    problems.push({
      pointer: '/language',
      message: `must be ${known.join(' or ')} in this sandbox; ${request.language} needs a cluster`,
    });
  } else if (request.memoryLimitMiB < minimum) {
    problems.push({
      pointer: '/memoryLimitMiB',
      message: `must be at least ${minimum} for ${request.language} in this sandbox, got ${request.memoryLimitMiB}`,
    });
  }
  return [...problems, ...checkPaths(request), ...checkSize(body, submission)];
}

/** Each file must have a place: not that of another, nor of the program, nor below a file. */
function checkPaths({ files, language }: ExecutionRequest): Problem[] {
  const taken = new Set([mainFiles[language]]);
  const directories = new Set(files.flatMap(({ path }) => parentsOf(path)));
  return files.flatMap(({ path }, index) => {
    const isFree = !taken.has(path) && !directories.has(path) && !parentsOf(path).some((parent) => taken.has(parent));
    taken.add(path);
    return isFree ? [] : [{ pointer: `/files/${index}/path`, message: `is taken: ${path}` }];
  });
}

function parentsOf(path: string): string[] {
  const names = path.split('/');
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'));
}

function checkSize(body: Body, { code, stdin, files }: Submission): Problem[] {
  const parts = [
    { pointer: '/code', bytes: code.length },
    { pointer: body.stdinBase64 === undefined ? '/stdin' : '/stdinBase64', bytes: stdin.length },
    { pointer: '/files', bytes: files.length },
    { pointer: '/args', bytes: encoder.encode(body.args.join('')).length },
    { pointer: '/env', bytes: encoder.encode(Object.entries(body.env).flat().join('')).length },
  ];
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= sizes.bundleBytes) return [];
  const largest = parts.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const message = `must be smaller: code, stdin, files, args and env together may have ${sizes.bundleBytes} bytes and have ${total}, ${largest.bytes} of them here`;
  return [{ pointer: largest.pointer, message }];
}

function toProblems(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: pointer([...path, key]), message: 'is not a known field' }));
  }
  if (issue.code === 'invalid_key') {
    return issue.issues.map((inner) => ({ pointer: pointer(path), message: inner.message }));
  }
  return [{ pointer: pointer(path), message: issue.message }];
}

/** RFC 6901 §3. */
function pointer(path: readonly string[]): string {
  return path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
