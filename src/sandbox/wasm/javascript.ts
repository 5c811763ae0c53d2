import { EvalFlags, JSException, type JSValueHandle } from 'quickjs-wasi';
import { mainFiles } from '../../execution/files.ts';
import { createEngine, type Engine, extensionsBeside } from './javascript-engine.ts';
import { exitCodes, type WasmProgram } from './program.ts';
import type { Session } from './session.ts';
import { createWorkspace, workDirectory } from './workspace.ts';

const mainFile = mainFiles.javascript;
const mainPath = `${workDirectory}/${mainFile}`;
/** Kept back from the program, so that there is room to report that it ran out. */
const reserveBytes = 1024 * 1024;
/** Pointers have 32 bits; more than they reach is no limit. */
const maxAddress = 2 ** 32 - 1;
/** As in Node: the program waits for a promise that nothing will settle. */
const unsettledExitCode = 13;
const pendingState = 0;
const sleepCell = new Int32Array(new SharedArrayBuffer(4));

interface Run extends Engine {
  readonly session: Session;
  readonly program: WasmProgram;
}

/** Prepares a QuickJS with Node's most used globals and modules, then waits for the one program and runs it. */
export async function runJavaScript(module: WebAssembly.Module, wasmFile: string, session: Session): Promise<never> {
  const workspace = createWorkspace(session);
  const engine = await createEngine(module, extensionsBeside(wasmFile), workspace, session);
  const program = session.receive();
  workspace.load(program, mainFile);
  limitMemory(engine, program.memoryLimitBytes - reserveBytes);
  const run = { ...engine, session, program };
  try {
    return runProgram(run);
  } catch (error) {
    return endBroken(run, error);
  }
}

function runProgram(run: Run): never {
  const { vm, session, program } = run;
  const input = vm.newString(JSON.stringify({ args: program.args, env: program.env }));
  callGuest(run, 'begin', input);
  const completion = attempt(run, () => evaluate(run));
  for (let waitMs = 0; waitMs >= 0; ) {
    if (waitMs > 0) Atomics.wait(sleepCell, 0, 0, waitMs);
    settleJobs(run);
    waitMs = attempt(run, () => callGuest(run, 'tick').toNumber()) ?? 0;
  }
  if (completion?.isPromise && completion.promiseState === pendingState) {
    session.stderr.write(Buffer.from('Warning: Detected unsettled top-level await\n'));
    return session.end('exited', unsettledExitCode);
  }
  callGuest(run, 'end');
  return session.end('exited', 0);
}

/** As Node decides for a file without a type: a module is what is no script. */
function evaluate({ vm, program }: Run): JSValueHandle {
  const source = Buffer.from(program.code)
    .toString()
    .replace(/^\ufeff/, '');
  return vm.evalCode(source, mainPath, isScript(source) ? EvalFlags.TYPE_GLOBAL : EvalFlags.TYPE_MODULE);

  function isScript(text: string): boolean {
    try {
      vm.compile(text, mainPath);
      return true;
    } catch {
      return false;
    }
  }
}

function callGuest({ vm, guest }: Run, name: string, ...args: JSValueHandle[]): JSValueHandle {
  return vm.callFunction(guest.getProp(name), vm.undefined, ...args);
}

/** Runs what promises wait for; a rejection that nothing has handled by then is an error as if it were thrown. */
function settleJobs(run: Run) {
  run.vm.executePendingJobs();
  for (const [identity, reason] of run.rejections) {
    run.rejections.delete(identity);
    reportError(run, reason, 'unhandledRejection');
  }
}

/** What the program throws it is told of; undefined when it wants to go on. */
function attempt<T>(run: Run, step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof JSException)) throw error;
    reportError(run, error.handle, 'uncaughtException');
    return undefined;
  }
}

function reportError(run: Run, error: JSValueHandle, kind: 'uncaughtException' | 'unhandledRejection') {
  // What is thrown for want of memory may itself find no room, and is then null.
  const isNoRoom = error.isNull && run.vm.getMemoryUsage().mallocSize > run.program.memoryLimitBytes - 2 * reserveBytes;
  limitMemory(run, run.program.memoryLimitBytes);
  const next = isNoRoom ? 'outOfMemory' : callGuest(run, 'uncaught', error, run.vm.newString(kind)).toString();
  if (next === 'outOfMemory') run.session.end('memoryLimit', exitCodes.aborted);
  if (next === 'end') run.session.end('exited', exitCodes.uncaught);
  limitMemory(run, run.program.memoryLimitBytes - reserveBytes);
}

function limitMemory({ vm }: Engine, bytes: number) {
  vm._getExports().qjs_set_memory_limit(Math.min(bytes, maxAddress));
}

/** The engine itself broke: it could not even say what was thrown, or its own stack was too deep for ours. */
function endBroken({ vm, session, program }: Run, error: unknown): never {
  if (!(error instanceof Error)) throw error;
  session.stderr.write(Buffer.from(`${error.name}: ${error.message}\n`));
  const isFull = vm._getMemory().buffer.byteLength > program.memoryLimitBytes - 2 * reserveBytes;
  const isOutOfMemory = /out of memory|malloc/.test(error.message);
  if (isFull || isOutOfMemory) return session.end('memoryLimit', exitCodes.aborted);
  return session.end('exited', error instanceof JSException ? exitCodes.uncaught : exitCodes.aborted);
}
