import { parentPort, workerData } from 'node:worker_threads';
import { openSession } from './session.ts';
import type { InterpreterData } from './watch-interpreter.ts';

const { language, wasmFile, printed }: InterpreterData = workerData;
const { promise: module, resolve } = Promise.withResolvers<WebAssembly.Module>();
parentPort?.once('message', resolve);
// Errors of ours may be shown to the program, which is not to read paths of this machine.
Error.stackTraceLimit = 0;
const session = openSession({ printed });
if (language === 'python') {
  const { runPython } = await import('./python.ts');
  runPython(await module, session);
} else {
  const { runJavaScript } = await import('./javascript.ts');
  await runJavaScript(await module, wasmFile, session);
}
