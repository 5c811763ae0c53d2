import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EvalFlags, type ExtensionDescriptor, type JSValueHandle, QuickJS } from 'quickjs-wasi';
import { installHostFunctions } from './javascript-host.ts';
import { moduleLoader } from './javascript-modules.ts';
import { linearMemory } from './linear-memory.ts';
import type { Session } from './session.ts';
import { checkImports, wasiImports } from './wasi.ts';
import type { Workspace } from './workspace.ts';

/** Of QuickJS' own stack, so that deep recursion is an error of the program's before it is one of ours. */
const maxStackBytes = 512 * 1024;

const callbacks = ['call', 'interrupt', 'promise_rejection', 'module_normalize', 'module_load', 'get_timezone_offset'];
const systemCalls = ['clock_time_get', 'fd_close', 'fd_fdstat_get', 'fd_seek', 'fd_write', 'random_get'];

/** All that the engine can call: callbacks of its wrapper, and WASI functions, which end in memory. */
const expectedImports = [
  ...callbacks.map((name) => `env.host_${name}:function`),
  ...systemCalls.map((name) => `wasi_snapshot_preview1.${name}:function`),
];
const extensionNames = ['encoding', 'structured-clone', 'url'];
const linkNames = /^(env|GOT\.(mem|func))\./;

export interface Engine {
  readonly vm: QuickJS;
  /** The guest's functions `begin`, `tick`, `uncaught` and `end`. */
  readonly guest: JSValueHandle;
  /** Reasons of rejected promises that nothing handles yet, by the identity of the promise. */
  readonly rejections: Map<number, JSValueHandle>;
}

/** Parts of the engine in modules of their own, which are linked to its exports and to nothing else. */
export function extensionsBeside(wasmFile: string): ExtensionDescriptor[] {
  return extensionNames.map((name) => {
    const wasm = new WebAssembly.Module(readFileSync(join(dirname(wasmFile), 'extensions', name, `${name}.so`)));
    const surprises = WebAssembly.Module.imports(wasm).filter((wanted) => !linkNames.test(`${wanted.module}.`));
    if (surprises.length > 0) throw new Error(`unexpected imports of the extension ${name}`);
    return { name, wasm };
  });
}

/** Makes a QuickJS with the guest's globals and modules. Nothing of the program need be known. */
export async function createEngine(
  module: WebAssembly.Module,
  extensions: readonly ExtensionDescriptor[],
  workspace: Workspace,
  session: Session,
): Promise<Engine> {
  checkImports(module, expectedImports);
  const rejections: Engine['rejections'] = new Map();
  let nodeModules = {};
  const vm = await QuickJS.create({
    wasm: module,
    maxStackSize: maxStackBytes,
    timezoneOffset: 0,
    extensions: [...extensions],
    moduleLoader: moduleLoader(workspace.fileSystem, () => nodeModules),
    onUnhandledRejection: (promise, reason, isHandled) => {
      rejections.get(promise.identity)?.dispose();
      if (isHandled) rejections.delete(promise.identity);
      else rejections.set(promise.identity, reason.dup());
    },
    wasi: (memory) => wasiFunctions(memory, workspace, session),
  });
  const { promise, resolve } = Promise.withResolvers<JSValueHandle>();
  installHostFunctions(vm, workspace, session, resolve);
  vm.evalCode(`import './guest-main.js';`, 'guest-', EvalFlags.TYPE_MODULE);
  vm.executePendingJobs();
  const guest = await promise;
  nodeModules = JSON.parse(guest.getProp('moduleNames').toString());
  return { vm, guest, rejections };
}

/** The engine's own messages go where the program's errors go. */
function wasiFunctions(memory: WebAssembly.Memory, workspace: Workspace, session: Session) {
  return wasiImports({
    ...workspace,
    memory: linearMemory(() => memory),
    args: [],
    env: [],
    exit: (code) => session.end('exited', code),
  });
}
