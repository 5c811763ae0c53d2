import type { WasmLanguage } from './program.ts';
import { type PreparedChild, spawnSandbox } from './spawn.ts';

/** A child started before anybody asked for one, for the first program of its language. */
export interface Spare {
  /** Gives the spare, once, or else a new child. */
  spawn(language: WasmLanguage): PreparedChild;
  /** Ends it if nobody took it. */
  close(): Promise<void>;
}

/** Starts the interpreter of a language now, so that a command opens its store while the interpreter gets ready. */
export function spareChild(language: WasmLanguage): Spare {
  let spare: PreparedChild | undefined = spawnSandbox(language);
  // Whoever takes it hears of a failure.
  spare.ready.catch(() => {});
  return {
    spawn(wanted) {
      const child = wanted === language ? spare : undefined;
      if (child === undefined) return spawnSandbox(wanted);
      spare = undefined;
      return child;
    },
    close: async () => spare?.kill(),
  };
}
