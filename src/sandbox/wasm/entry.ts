import type { ExecutionRequest } from '../../execution/execution.ts';
import type { Job, SandboxInput, SandboxOutput, SandboxStatus, Start } from '../sandbox.ts';
import { finalOutput, noOutput, podEnding } from './pod-ending.ts';
import type { WasmLanguage, WasmProgram } from './program.ts';
import type { PreparedChild, WasmEnding } from './spawn.ts';

/** A request in a language that has an interpreter here. */
export type WasmRequest = ExecutionRequest & { readonly language: WasmLanguage };

export type Entry = ReturnType<typeof newEntry>;

const bytesPerMiB = 1024 * 1024;

/** One execution in this process: its child, how far it got, and what it printed. */
export function newEntry(
  job: Job,
  request: WasmRequest,
  spawn: (language: WasmLanguage) => PreparedChild,
  onChange: (entry: Entry) => void,
) {
  let child = prepared(spawn(request.language));
  let starting: Promise<Start> | undefined;
  let startedAt: number | undefined;
  let ended: WasmEnding | undefined;
  let isRemoved = false;

  async function begin(input: SandboxInput, permit: (startedAt: number) => Promise<boolean>): Promise<Start> {
    if (isRemoved) return 'absent';
    await child.ready;
    const now = Date.now();
    if (!(await permit(now))) return 'refused';
    if (isRemoved) return 'absent';
    startedAt = now;
    child.run(programOf(request, input), now).then((ending) => {
      ended = ending;
      onChange(entry);
    });
    onChange(entry);
    return 'started';
  }

  const entry = {
    job,
    request,

    /** Runs the code once however often it is called; after a failure before that it may be called again. */
    start(input: SandboxInput, permit: (startedAt: number) => Promise<boolean>): Promise<Start> {
      starting ??= begin(input, permit).catch((error) => {
        starting = undefined;
        if (isRemoved) return 'absent';
        if (child.hasEnded()) child = prepared(spawn(request.language));
        throw error;
      });
      return starting;
    },

    status(): SandboxStatus {
      if (ended !== undefined)
        return { kind: 'ended', ending: podEnding(ended, request.timeoutSeconds), deleting: false };
      if (startedAt !== undefined) return { kind: 'running', startedAt };
      return { kind: 'waiting', waiting: { reason: 'Starting', message: 'the interpreter starts', curable: true } };
    },

    output(): SandboxOutput {
      return ended === undefined
        ? { ...noOutput, ...child.output(), incompleteBecause: 'it ran still' }
        : finalOutput(ended);
    },

    /** Ends the child and says whether it had been given its code. */
    async remove(): Promise<{ started: boolean }> {
      isRemoved = true;
      await child.kill();
      return { started: startedAt !== undefined };
    },
  };
  return entry;
}

function prepared(child: PreparedChild): PreparedChild {
  // `begin` waits for it and hears of a failure; until then nobody does.
  child.ready.catch(() => {});
  return child;
}

function programOf(request: ExecutionRequest, { code, stdin, files }: SandboxInput): WasmProgram {
  const { args, env, timeoutSeconds, memoryLimitMiB, maxStdoutBytes, maxStderrBytes } = request;
  const { outputFiles, maxOutputFileBytes } = request;
  return {
    ...{ code, stdin, files, args, env, timeoutSeconds, maxStdoutBytes, maxStderrBytes },
    ...{ outputFiles, maxOutputFileBytes },
    memoryLimitBytes: memoryLimitMiB * bytesPerMiB,
  };
}
