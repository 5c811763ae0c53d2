import { spawnSandbox } from '../../../src/sandbox/wasm/spawn.ts';
import { noFiles } from './run.ts';

// A process with three children: one that computes, one that waits for its program, one that is still starting.
const [computing, waiting] = [spawnSandbox('python'), spawnSandbox('javascript')];
await Promise.all([computing.ready, waiting.ready]);
const code = Buffer.from('while True: pass');
const limits = { timeoutSeconds: 600, memoryLimitBytes: 2 ** 26, maxStdoutBytes: 1, maxStderrBytes: 1 };
computing.run({ code, args: [], env: {}, stdin: new Uint8Array(), ...noFiles, ...limits });
spawnSandbox('python').ready.catch(() => {});
process.stdout.write('ready\n');
