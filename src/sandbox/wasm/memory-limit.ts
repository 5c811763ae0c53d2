import { setFlagsFromString } from 'node:v8';

const pageBytes = 65_536;
const maxPages = 65_536;

/** Bounds every WebAssembly memory of this process, also those that exist: V8 reads the flag each time one grows. */
export function limitMemories(bytes: number): void {
  setFlagsFromString(`--wasm-max-mem-pages=${Math.min(Math.floor(bytes / pageBytes), maxPages)}`);
}

/** V8's flags are no promise to anybody; a Node whose V8 has dropped this one must run nothing. */
export function checkMemoryLimit(): void {
  limitMemories(pageBytes);
  const isBounded = !canGrow(2);
  limitMemories(maxPages * pageBytes);
  if (!isBounded) throw new Error(`Node ${process.version} does not bound WebAssembly memory; use another version`);
}

function canGrow(pages: number): boolean {
  try {
    new WebAssembly.Memory({ initial: 0 }).grow(pages);
    return true;
  } catch {
    return false;
  }
}
