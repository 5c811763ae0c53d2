import type { HandedOut } from '../../execution/output-files.ts';
import type { CapturedStream, SandboxOutput } from '../sandbox.ts';

type Stream = 'stdout' | 'stderr';

interface Entry {
  readonly stream: Stream | 'raw';
  /** Where in its stream the bytes belong; a gap shows what rotation took. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface LastWord extends HandedOut {
  readonly signal: number | null;
  readonly durationMs: number;
}

interface Report extends LastWord {
  readonly totals: Readonly<Record<Stream, number>>;
}

/** A container's log as the node keeps it, and the supervisor's place in the streams it captures. */
export interface Log {
  entries: Entry[];
  fileBytes: number;
  readonly maxFileBytes: number;
  readonly caps: Readonly<Record<Stream, number>>;
  readonly totals: Record<Stream, number>;
  report: Report | null;
}

export function emptyLog(maxFileBytes: number, caps: Log['caps']): Log {
  return { entries: [], fileBytes: 0, maxFileBytes, caps, totals: { stdout: 0, stderr: 0 }, report: null };
}

const frameBytes = 8192;
/** What the container runtime adds to each line of a log. */
const lineBytes = 64;

/** The supervisor's part: passes on what is under the cap, in frames, and counts the rest. */
export function capture(log: Log, stream: Stream, bytes: Uint8Array): void {
  const offset = log.totals[stream];
  log.totals[stream] += bytes.length;
  const kept = bytes.subarray(0, Math.max(0, log.caps[stream] - offset));
  for (let at = 0; at < kept.length; at += frameBytes) {
    append(log, { stream, offset: offset + at, bytes: kept.slice(at, at + frameBytes) });
  }
}

/** Bytes of a program that writes past the supervisor: nothing in them is ours, but they fill the file. */
export function appendRaw(log: Log, byteCount: number): void {
  for (let left = byteCount; left > 0; left -= frameBytes) {
    append(log, { stream: 'raw', offset: 0, bytes: new Uint8Array(Math.min(left, frameBytes)) });
  }
}

/** The supervisor's last word: without it nobody knows whether there was more. */
export function close(log: Log, lastWord: LastWord): void {
  append(log, { stream: 'raw', offset: 0, bytes: lastWord.files });
  log.report = { totals: { ...log.totals }, ...lastWord };
}

/** The kubelet rotates a full file away, and the log API returns only the newest one. */
function append(log: Log, entry: Entry): void {
  const size = entry.bytes.length + lineBytes;
  if (log.fileBytes + size > log.maxFileBytes) {
    log.entries = [];
    log.fileBytes = 0;
  }
  log.entries.push(entry);
  log.fileBytes += size;
}

export const noOutput: SandboxOutput = {
  stdout: { bytes: new Uint8Array(0), totalBytes: 0 },
  stderr: { bytes: new Uint8Array(0), totalBytes: 0 },
  files: new Uint8Array(0),
  omittedFiles: 0,
  complete: false,
  kernel: null,
  report: null,
};

/** What a reader of the log can still say of both streams. */
export function readLog(log: Log): SandboxOutput {
  const stdout = readStream(log, 'stdout');
  const stderr = readStream(log, 'stderr');
  const { report } = log;
  return {
    stdout: stdout.captured,
    stderr: stderr.captured,
    files: report?.files ?? new Uint8Array(0),
    omittedFiles: report?.omittedFiles ?? 0,
    kernel: null,
    complete: report !== null && stdout.whole && stderr.whole,
    report: report && { signal: report.signal, durationMs: report.durationMs },
  };
}

/** Captured bytes are the *first* bytes: behind a gap they are of no use. */
function readStream(log: Log, stream: Stream): { captured: CapturedStream; whole: boolean } {
  const parts: Uint8Array[] = [];
  let seen = 0;
  let end = 0;
  for (const { stream: of, offset, bytes } of log.entries) {
    if (of !== stream) continue;
    end = offset + bytes.length;
    if (offset !== seen) continue;
    parts.push(bytes);
    seen = end;
  }
  const totalBytes = log.report?.totals[stream] ?? end;
  const whole = seen >= Math.min(totalBytes, log.caps[stream]);
  return { captured: { bytes: new Uint8Array(Buffer.concat(parts)), totalBytes }, whole };
}
