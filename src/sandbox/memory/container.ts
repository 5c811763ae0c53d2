import { timeoutExitCode } from '../../execution/classify.ts';
import type { ExecutionRequest } from '../../execution/execution.ts';
import { handedOut } from '../../execution/output-files.ts';
import type { Behaviour, Write } from './behaviour.ts';
import type { Clock } from './clock.ts';
import { appendRaw, capture, close, emptyLog, type Log } from './log.ts';

/** How the process in a container ended, as the kubelet learns it. */
export interface Exit {
  readonly exitCode: number;
  readonly reason: string;
}

/** A started container: the supervisor and the program under it. */
export interface Container {
  readonly startedAt: number;
  readonly log: Log;
  readonly alive: () => boolean;
  /** Ends it from outside with SIGKILL: the supervisor has no last word. */
  readonly kill: (exit: Exit) => void;
}

export interface ContainerSpec {
  readonly clock: Clock;
  readonly startedAt: number;
  readonly request: ExecutionRequest;
  readonly behaviour: Behaviour;
  readonly logFileBytes: number;
  /** Called once, at the moment it ends. */
  readonly onExit: (exit: Exit) => void;
}

/** Starts a container, whose program then does what its behaviour says until it ends or is ended. */
export function startContainer(spec: ContainerSpec): Container {
  const { clock, request, behaviour } = spec;
  const log = emptyLog(spec.logFileBytes, { stdout: request.maxStdoutBytes, stderr: request.maxStderrBytes });
  const timers: (() => void)[] = [];
  let alive = true;
  const exit = (how: Exit) => {
    if (!alive) return;
    alive = false;
    for (const cancel of timers) cancel();
    spec.onExit(how);
  };
  for (const write of writesOf(behaviour)) {
    const print = () => capture(log, write.stream, write.bytes);
    if (write.atMs === 0) print();
    else timers.push(clock.setTimeout(() => alive && print(), write.atMs));
  }
  appendRaw(log, behaviour.rawLogBytes ?? 0);
  const end = endOf(behaviour, request);
  if (end !== null) {
    const finish = () => {
      if (alive && end.lastWord !== null)
        close(log, { ...end.lastWord, durationMs: end.atMs, ...handedOut(behaviour.files ?? [], request) });
      exit(end.exit);
    };
    timers.push(clock.setTimeout(finish, end.atMs));
  }
  return { startedAt: spec.startedAt, log, alive: () => alive, kill: exit };
}

function writesOf(behaviour: Behaviour): Write[] {
  const { stdout = '', stderr = '', writes = [] } = behaviour;
  return [
    { atMs: 0, stream: 'stdout', bytes: bytesOf(stdout) },
    { atMs: 0, stream: 'stderr', bytes: bytesOf(stderr) },
    ...writes,
  ];
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? new TextEncoder().encode(text) : text;
}

interface End {
  readonly atMs: number;
  readonly exit: Exit;
  readonly lastWord: { readonly signal: number | null } | null;
}

const sigkill = 9;

/** What ends a program that nobody ends from outside; null when nothing does. */
function endOf(behaviour: Behaviour, request: ExecutionRequest): End | null {
  const limitMs = request.timeoutSeconds * 1000;
  const { durationMs = 0, exitCode = 0, signal, memoryMiB = 0 } = behaviour;
  const runsMs = durationMs === 'forever' ? Number.POSITIVE_INFINITY : durationMs;
  // gVisor's memory kill shows as 128 here, not as Linux's 137.
  if (memoryMiB > request.memoryLimitMiB) {
    const atMs = Number.isFinite(runsMs) ? runsMs : 0;
    return { atMs, exit: { exitCode: 128, reason: 'OOMKilled' }, lastWord: null };
  }
  if (runsMs >= limitMs) {
    if (behaviour.freezesSupervisor) return null;
    return { atMs: limitMs, exit: { exitCode: timeoutExitCode, reason: 'Error' }, lastWord: { signal: sigkill } };
  }
  if (behaviour.killsSupervisor) return { atMs: runsMs, exit: { exitCode: 137, reason: 'Error' }, lastWord: null };
  const code = signal === undefined ? exitCode : 128 + signal;
  return {
    atMs: runsMs,
    exit: { exitCode: code, reason: code === 0 ? 'Completed' : 'Error' },
    lastWord: { signal: signal ?? null },
  };
}
