import { afterAll } from 'vitest';
import { type WasmSandbox, wasmSandbox } from '../../../src/sandbox/wasm/sandbox.ts';
import { sandboxContract } from '../../contracts/sandbox.ts';

/** Children live in one process, so two clients of an installation are one sandbox. */
const sandboxes = new Map<string, WasmSandbox>();

function open(installation: string, maxChildren: number): WasmSandbox {
  const sandbox = sandboxes.get(installation) ?? wasmSandbox({ installation, maxChildren });
  sandboxes.set(installation, sandbox);
  return sandbox;
}

afterAll(async () => {
  await Promise.all(Array.from(sandboxes.values(), (sandbox) => sandbox.close()));
});

sandboxContract({
  name: 'wasmSandbox',
  setup: async () => ({
    open: async (installation) => open(installation, 32),
    openWithRoom: async (installation, jobs) => open(installation, jobs),
  }),
  optOuts: {
    permitNever: 'this process decides when code starts',
    signal: 'a WebAssembly program has no processes and no signals',
  },
});
