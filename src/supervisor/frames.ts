import { z } from 'zod';
import { maxPackedBytes } from '../execution/output-files.ts';
import { parsedJson } from '../json.ts';

export type StreamName = 'stdout' | 'stderr';
export type OutputCaps = Readonly<{ maxStdoutBytes: number; maxStderrBytes: number; maxOutputFileBytes: number }>;
type OutputEvent = Readonly<{ stream: StreamName; bytes: Uint8Array }>;

/** What the supervisor says about a run. As forgeable as all output: a program that forges it harms only its author. */
type Advisory = z.infer<typeof advisorySchema>;

type DecodedStream = Readonly<{
  bytes: Uint8Array;
  /** What the program printed, kept or not, as far as the log tells. */
  totalBytes: number;
  truncated: boolean;
}>;

export type DecodedOutput = Readonly<{
  stdout: DecodedStream;
  stderr: DecodedStream;
  /** Packed. */
  files: Uint8Array;
  /** The final frame is there, and so is every byte that the supervisor put into the log; or the program ran bare. */
  complete: boolean;
  /** There was no supervisor: both streams are one. */
  bare: boolean;
  /** What was seen of the kernel before any code ran; undefined when that was not said. */
  kernel: string | undefined;
  advisory?: Advisory;
}>;

export type FrameDecoder = Readonly<{
  /** Takes the next bytes of the log, cut anywhere. Returns what they add to the streams within the caps. */
  push(chunk: Uint8Array): readonly OutputEvent[];
  end(): DecodedOutput;
}>;

const SOH = 0x01;
const DLE = 0x10;
const LF = 0x0a;
const FINAL_KIND = 0x66;
const BARE_KIND = 0x72;
const KERNEL_KIND = 0x6b;
const STREAM_KINDS: ReadonlyMap<number, StreamName | 'files'> = new Map([
  [0x6f, 'stdout'],
  [0x65, 'stderr'],
  [0x61, 'files'],
]);
const ESCAPED: ReadonlyMap<number, number> = new Map([
  [DLE, DLE],
  [0x6e, LF],
  [0x72, 0x0d],
]);
/** How a last frame begins, and how long one is. A program can forge millions of lines, and each that is parsed costs. */
const FINAL_START = Buffer.from('{"exit":{"');
const FINAL_BYTES = { least: 128, most: 512 };
/** Containerd's longest log line; the supervisor's frames are shorter. */
const MAX_LINE_BYTES = 16_384;

const count = z
  .int()
  .min(0)
  .max(2 ** 50);
const counts = z.object({ totalBytes: count, keptBytes: count });
const advisorySchema = z.object({
  exit: z.union([z.object({ code: z.int().min(0).max(255) }), z.object({ signal: z.int().min(1).max(64) })]),
  timedOut: z.boolean(),
  durationMs: count,
  stdout: counts,
  stderr: counts,
  fileBytes: count,
  omittedFiles: count,
});

/** Decodes a whole pod log. Never throws: what is not a frame counts as standard output. */
export function decodeFrames(chunks: Iterable<Uint8Array>, caps: OutputCaps): DecodedOutput {
  const decoder = frameDecoder(caps);
  for (const chunk of chunks) decoder.push(chunk);
  return decoder.end();
}

/**
 * A frame is one line: SOH, a kind, the payload. Kinds `o` and `e` carry bytes of a stream with LF, CR and DLE escaped
 * as DLE n, DLE r and DLE DLE, kind `a` those of packed files; kind `f`, the last, carries JSON. Kind
 * `k` says on what kernel it runs, or `r` that and that there is no supervisor; they count as the first line only, which
 * comes before any code of the program. Any other line was written around the supervisor
 * (to /proc/1/fd/1, or by the kubelet) and is standard output, line feed included. Holds at most the caps and one line.
 */
export function frameDecoder(caps: OutputCaps): FrameDecoder {
  const streams = {
    stdout: keepFirst(caps.maxStdoutBytes),
    stderr: keepFirst(caps.maxStderrBytes),
    files: keepFirst(maxPackedBytes(caps)),
  };
  let pending = new Uint8Array();
  let insideRawLine = false;
  let bare = false;
  let kernel: string | undefined;
  let isFirst = true;
  let advisory: Advisory | undefined;

  function take(line: Line): readonly OutputEvent[] {
    if (line.kind === 'nothing') return [];
    if (line.kind === 'begin') {
      bare = line.bare;
      kernel = line.kernel;
      return [];
    }
    if (line.kind === 'final') {
      advisory = line.advisory;
      return [];
    }
    const { stream } = line;
    const bytes = streams[stream].add(line.bytes, line.kind);
    return stream === 'files' || bytes.length === 0 ? [] : [{ stream, bytes }];
  }

  function push(chunk: Uint8Array): readonly OutputEvent[] {
    const events: OutputEvent[] = [];
    let rest = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk;
    const isRaw = () => insideRawLine || bare || rest[0] !== SOH;
    for (let end = endOfNext(rest, isRaw()); end > 0; end = endOfNext(rest, isRaw())) {
      const line = rest.subarray(0, end);
      const begin = isFirst ? parseBegin(line) : undefined;
      events.push(...take(begin ?? (isRaw() ? raw(line) : parseLine(line))));
      isFirst = false;
      insideRawLine = false;
      rest = rest.subarray(end);
    }
    const mayBecomeFrame = !insideRawLine && !bare && rest[0] === SOH && rest.length < MAX_LINE_BYTES;
    if (rest.length > 0 && !mayBecomeFrame) {
      events.push(...take(raw(rest)));
      insideRawLine = true;
      rest = rest.subarray(rest.length);
    }
    pending = new Uint8Array(rest);
    return events;
  }

  function end(): DecodedOutput {
    take(parseTornLine(pending));
    pending = new Uint8Array();
    const { stdout, stderr, files } = streams;
    return {
      stdout: stdout.decoded(advisory?.stdout.totalBytes),
      stderr: stderr.decoded(advisory?.stderr.totalBytes),
      files: files.decoded().bytes,
      bare,
      kernel,
      complete:
        bare ||
        (stdout.framed() === advisory?.stdout.keptBytes &&
          stderr.framed() === advisory.stderr.keptBytes &&
          files.framed() === advisory.fileBytes),
      ...(advisory && { advisory }),
    };
  }

  return { push, end };
}

/** Where the next frame ends, or all lines up to the next that may be one; 0 when that is not there yet. */
function endOfNext(rest: Uint8Array, isRaw: boolean): number {
  if (!isRaw) return rest.indexOf(LF) + 1;
  const frame = Buffer.from(rest.buffer, rest.byteOffset, rest.length).indexOf('\n\x01');
  return frame < 0 ? rest.lastIndexOf(LF) + 1 : frame + 1;
}

type Line =
  | Readonly<{ kind: 'framed' | 'raw'; stream: StreamName | 'files'; bytes: Uint8Array }>
  | Readonly<{ kind: 'final'; advisory: Advisory }>
  | Readonly<{ kind: 'begin'; bare: boolean; kernel: string }>
  | Readonly<{ kind: 'nothing' }>;

function raw(bytes: Uint8Array): Line {
  return { kind: 'raw', stream: 'stdout', bytes };
}

function parseLine(line: Uint8Array): Line {
  if (line[0] !== SOH || line.length > MAX_LINE_BYTES) return raw(line);
  const payload = line.subarray(2, -1);
  return parseFinalFrame(line, payload) ?? parseStreamFrame(line, payload, 'whole') ?? raw(line);
}

function parseBegin(line: Uint8Array): Line | undefined {
  const [mark, kind] = line;
  const text = Buffer.from(line.subarray(2, -1)).toString('latin1');
  if (mark !== SOH || !/^[ -~]{0,100}$/.test(text)) return undefined;
  if (kind !== BARE_KIND && kind !== KERNEL_KIND) return undefined;
  return { kind: 'begin', bare: kind === BARE_KIND, kernel: text };
}

/** A frame that the end of the log cuts: its bytes so far count, a cut final frame tells nothing. */
function parseTornLine(line: Uint8Array): Line {
  if (line.length < 2 || line[1] === FINAL_KIND) return { kind: 'nothing' };
  const payload = line.subarray(2);
  return parseStreamFrame(line, payload, 'whole') ?? parseStreamFrame(line, payload, 'cut in an escape') ?? raw(line);
}

function parseFinalFrame(line: Uint8Array, payload: Uint8Array): Line | undefined {
  if (line[1] !== FINAL_KIND || line.length < FINAL_BYTES.least || line.length > FINAL_BYTES.most) return undefined;
  if (!FINAL_START.equals(payload.subarray(0, FINAL_START.length))) return undefined;
  const advisory = advisorySchema.safeParse(parsedJson(Buffer.from(payload).toString())).data;
  return advisory && { kind: 'final', advisory };
}

function parseStreamFrame(line: Uint8Array, payload: Uint8Array, form: Form): Line | undefined {
  const stream = STREAM_KINDS.get(line[1] ?? LF);
  const unescaped = unescapeBytes(payload);
  return stream && unescaped.form === form ? { kind: 'framed', stream, bytes: unescaped.bytes } : undefined;
}

type Form = 'whole' | 'cut in an escape' | 'malformed';

function unescapeBytes(payload: Uint8Array): Readonly<{ bytes: Uint8Array; form: Form }> {
  if (!payload.includes(DLE)) return { bytes: payload, form: 'whole' };
  const bytes = new Uint8Array(payload.length);
  let length = 0;
  let escaping = false;
  for (const byte of payload) {
    const original = escaping ? ESCAPED.get(byte) : byte;
    if (original === undefined) return { bytes, form: 'malformed' };
    escaping = !escaping && byte === DLE;
    if (!escaping) bytes[length++] = original;
  }
  return { bytes: bytes.subarray(0, length), form: escaping ? 'cut in an escape' : 'whole' };
}

function keepFirst(maxBytes: number) {
  let buffer = new Uint8Array();
  let kept = 0;
  const received = { framed: 0, raw: 0 };

  /** Returns the part that is kept. */
  function add(bytes: Uint8Array, kind: 'framed' | 'raw'): Uint8Array {
    received[kind] += bytes.length;
    const fresh = bytes.subarray(0, Math.max(0, maxBytes - kept));
    const needed = kept + fresh.length;
    if (needed > buffer.length) {
      const grown = new Uint8Array(Math.min(maxBytes, Math.max(needed, buffer.length * 2)));
      grown.set(buffer.subarray(0, kept));
      buffer = grown;
    }
    buffer.set(fresh, kept);
    kept = needed;
    return buffer.subarray(kept - fresh.length, kept);
  }

  function decoded(printedBytes = 0): DecodedStream {
    const totalBytes = Math.max(received.framed, printedBytes) + received.raw;
    return { bytes: buffer.slice(0, kept), totalBytes, truncated: totalBytes > kept };
  }

  return { add, decoded, framed: () => received.framed };
}
