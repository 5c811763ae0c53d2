// Neither lib.es2024 nor @types/node declares WebAssembly, and lib.dom would declare a browser with it.
type BufferSource = ArrayBuffer | ArrayBufferView;

declare namespace WebAssembly {
  class Module {
    constructor(bytes: BufferSource);
    static customSections(module: Module, name: string): ArrayBuffer[];
    static imports(module: Module): { module: string; name: string; kind: string }[];
  }
  class Memory {
    readonly buffer: ArrayBuffer;
    constructor(descriptor: { initial: number });
    grow(pages: number): number;
  }
  class Instance {
    readonly exports: Readonly<Record<string, unknown>>;
    constructor(module: Module, imports: Record<string, Record<string, (...args: never[]) => unknown>>);
  }
  function compile(bytes: BufferSource): Promise<Module>;
  class RuntimeError extends Error {}
}
