// PID 1 of a Node pod: runs the bundled program as a child and frames its output into the pod log.
// The command is `node /execution/supervisor.mjs /work/main.js`; the bundle lies beside this file. The program is named
// .js, so that Node looks at its syntax and takes `require` as well as `import` with top-level await. Writes to the log
// are synchronous: a program that prints faster than the log takes is slowed down instead of piling up here.
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { constants, release } from 'node:os';

const FRAME_BYTES = 8000;
const FLUSH_MS = 50;
const SLOW_FLUSH_MS = 1000;
const DRAIN_MS = 500;
const LOG_LINE_BYTES = 64;
const LOG_BUDGET_BYTES = (9 << 20) - 1024;
const STREAM_RESERVE_BYTES = 1 << 18;
// The kubelet's clock starts up to 0.35 s after ours, and what it shows as shorter than the limit is no timeout.
const START_MS = 400;
// Under gVisor a child's signals end or stop PID 1 too. Left out are faults of our own and what nobody can catch.
const LEFT_ALONE = new Set('SIGILL SIGTRAP SIGBUS SIGFPE SIGSEGV SIGKILL SIGSTOP SIGTERM SIGCHLD'.split(' '));
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const KILL_AGAIN_MS = 10;
const EXIT_TIMED_OUT = 124;
const EXIT_BROKEN = 125;
const EXIT_CANCELLED = 143;

/** A first line, then parts: `<kind> <length>\n<bytes>\n`. `code` comes last, so a cut bundle never parses. */
function parseBundle(data) {
  const parts = { arg: [], env: [], interpreter: [], file: [] };
  let at = data.indexOf('\n') + 1;
  if (data.toString('latin1', 0, at) !== 'gke-code-executor bundle 1\n') throw new Error('not a bundle');
  while (at < data.length) {
    const [header, kind, length] = /^([a-z]+) (\d{1,9})\n/.exec(data.toString('latin1', at, at + 64)) ?? [];
    if (!header) throw new Error('malformed part');
    const start = at + header.length;
    const end = start + Number(length);
    const body = data.subarray(start, end);
    if (data[end] !== 10 || (kind === 'env' && body.indexOf('=') < 1)) throw new Error('malformed part');
    if (kind === 'arg' || kind === 'env' || kind === 'interpreter') parts[kind].push(body.toString());
    else if (kind === 'file') parts.file.push(body);
    else parts[kind] = body;
    at = end + 1;
  }
  if (!parts.code) throw new Error('no code');
  return parts;
}

function integer(bytes) {
  if (!/^\d{1,15}$/.test(String(bytes))) throw new Error('malformed limit');
  return Number(bytes);
}

const spent = { o: 0, e: 0 };

function emit(kind, payload) {
  let line = Buffer.from(`\x01${kind}${payload}\n`, 'latin1');
  while (line.length > 0) {
    try {
      line = line.subarray(writeSync(1, line));
    } catch (error) {
      if (error.code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Containerd drops a CR before a LF; all other bytes arrive as they are. */
function escaped(chunk) {
  return chunk.toString('latin1').replaceAll('\x10', '\x10\x10').replaceAll('\n', '\x10n').replaceAll('\r', '\x10r');
}

function kernel() {
  const withGVisor = readFileSync('/proc/cmdline', 'latin1').includes('gvisor');
  return `${withGVisor ? 'gVisor ' : ''}${release()}`;
}

/** False once the frame would grow the log past what the kubelet keeps in one file. */
function emitStream(kind, chunk) {
  const payload = escaped(chunk);
  const cost = payload.length + 3 + LOG_LINE_BYTES;
  const other = spent[kind === 'o' ? 'e' : 'o'];
  if (spent[kind] + other + cost + Math.max(0, STREAM_RESERVE_BYTES - other) > LOG_BUDGET_BYTES) return false;
  spent[kind] += cost;
  emit(kind, payload);
  return true;
}

/** The first `maxBytes` of a stream go to the log, the rest is read and counted. */
function capture(kind, readable, maxBytes) {
  const counts = { totalBytes: 0, keptBytes: 0 };
  let cap = maxBytes;
  let buffer = Buffer.alloc(0);
  let timer;
  // A program that prints a byte now and then for an hour must not fill the log with frame headers.
  const flushLater = () => setTimeout(flush, spent[kind] < LOG_BUDGET_BYTES / 4 ? FLUSH_MS : SLOW_FLUSH_MS, 1);
  const flush = (least) => {
    while (buffer.length >= least) {
      const chunk = buffer.subarray(0, FRAME_BYTES);
      buffer = buffer.subarray(chunk.length);
      if (cap > 0 && emitStream(kind, chunk)) counts.keptBytes += chunk.length;
      else cap = 0;
    }
    clearTimeout(timer);
    timer = buffer.length > 0 ? flushLater() : undefined;
  };
  readable.on('data', (data) => {
    if (counts.totalBytes < cap) buffer = Buffer.concat([buffer, data.subarray(0, cap - counts.totalBytes)]);
    counts.totalBytes += data.length;
    if (buffer.length >= FRAME_BYTES) flush(FRAME_BYTES);
    else if (buffer.length > 0) timer ??= flushLater();
  });
  readable.on('error', () => {});
  return { counts, flush: () => flush(1) };
}

function statFields(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function descendants(root) {
  const parents = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.push([Number(name), Number(statFields(name)[1])]);
    } catch {} // it has ended
  }
  const found = [root];
  for (const pid of found) found.push(...parents.filter(([, parent]) => parent === pid).map(([child]) => child));
  return found.slice(1);
}

// kill(-1) reaches daemons too, but only PID 1 of a pod may use it: anywhere else it would hit the machine.
function killAll(child) {
  const victims = process.pid === 1 ? [-1] : [-child.pid, ...descendants(process.pid)];
  for (const victim of victims) {
    try {
      process.kill(victim, 'SIGKILL');
    } catch {} // nobody left
  }
}

/** Milliseconds since this process started, its interpreter's start included. */
function ageMs() {
  const ticksPerSecond = 100;
  const uptimeSeconds = Number.parseFloat(readFileSync('/proc/uptime', 'latin1'));
  return (uptimeSeconds - Number(statFields('self')[19]) / ticksPerSecond) * 1000;
}

/** Read only by those who have files. */
const workFiles = () => createRequire(import.meta.url)('./work-files.cjs');

function handOutFiles(path, parts) {
  const at = path.lastIndexOf('/');
  const work = path.slice(0, at);
  if (!parts.asked && !existsSync(`${work}/.results.jsonl`)) return { fileBytes: 0, omittedFiles: 0 };
  const lineBytes = 3 + LOG_LINE_BYTES;
  let left = LOG_BUDGET_BYTES - spent.o - spent.e;
  const write = (data) => {
    const payload = escaped(data);
    left -= payload.length + lineBytes;
    emit('a', payload);
  };
  const log = { frameBytes: FRAME_BYTES, lineBytes, escaped, write, left: () => left };
  const wanted = { pattern: parts.outputs.toString(), room: integer(parts.room) };
  return workFiles().handOut({ work, main: path.slice(at + 1), ...wanted, log });
}

function start(path, parts) {
  const work = path.slice(0, path.lastIndexOf('/'));
  if (parts.file.length > 0) workFiles().place(work, parts.file);
  writeFileSync(path, parts.code);
  const stdinPath = parts.stdin ? `${work}/.stdin` : '/dev/null';
  if (parts.stdin) writeFileSync(stdinPath, parts.stdin);
  const stdin = openSync(stdinPath, 'r');
  if (parts.stdin) unlinkSync(stdinPath);
  const given = parts.env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]);
  // The user has no name in any image.
  const user = { USER: 'sandbox', LOGNAME: 'sandbox' };
  const home = { HOME: work, TMPDIR: work, LANG: 'C.UTF-8' };
  const env = { PATH: process.env.PATH, ...home, ...user, ...Object.fromEntries(given) };
  const stdio = [stdin, 'pipe', 'pipe'];
  const [interpreter = process.execPath, ...options] = parts.interpreter;
  const child = spawn(interpreter, [...options, path, ...parts.arg], { cwd: work, env, stdio, detached: true });
  closeSync(stdin);
  return child;
}

function supervise(child, limits, handOut) {
  const began = performance.now();
  const out = capture('o', child.stdout, limits.stdout);
  const err = capture('e', child.stderr, limits.stderr);
  let exit = { signal: constants.signals.SIGKILL };
  let forced;
  const finish = () => {
    out.flush();
    err.flush();
    const timedOut = forced === EXIT_TIMED_OUT;
    const durationMs = Math.round(performance.now() - began);
    const counts = { stdout: out.counts, stderr: err.counts, ...handOut() };
    emit('f', JSON.stringify({ exit, timedOut, durationMs, ...counts }));
    process.exit(forced ?? exit.code ?? 128 + exit.signal);
  };
  let ending = false;
  const end = (exitCode) => {
    if (ending) return;
    ending = true;
    forced = exitCode;
    killAll(child);
    setInterval(killAll, KILL_AGAIN_MS, child);
    setTimeout(finish, DRAIN_MS);
  };
  setTimeout(end, Math.min(Math.max(1, limits.timeout + START_MS - ageMs()), LONGEST_TIMER_MS), EXIT_TIMED_OUT);
  process.on('SIGTERM', () => end(EXIT_CANCELLED));
  child.on('exit', (code, signal) => {
    exit = signal ? { signal: constants.signals[signal] } : { code };
    end();
  });
  child.on('close', finish);
}

function fail(error) {
  emitStream('e', Buffer.from(`gke-code-executor: ${error.message}`));
  process.exit(EXIT_BROKEN);
}

try {
  const parts = parseBundle(readFileSync(process.argv[1].replace(/[^/]*$/, 'bundle')));
  const limits = { timeout: integer(parts.timeout), stdout: integer(parts.stdout), stderr: integer(parts.stderr) };
  const seen = kernel();
  emit('k', seen);
  if (parts.kernel && !seen.startsWith(parts.kernel.toString())) process.exit(EXIT_BROKEN);
  const path = process.argv[2];
  // Before there is a program, whose first act may be a signal to us.
  for (const name of Object.keys(constants.signals)) if (!LEFT_ALONE.has(name)) process.on(name, () => {});
  const child = start(path, parts);
  child.on('error', fail);
  if (child.pid) supervise(child, limits, () => handOutFiles(path, parts));
} catch (error) {
  fail(error);
}
