import type { VirtualTime } from './time.ts';

/** How long a frozen process stands still: longer than a lease, than every patience, than the program itself. Milliseconds. */
export const stallMs = 20_000;
/** After this long an adapter of a process that lives on gives a hanging call up. Milliseconds. */
const callDeadlineMs = 30_000;

/** Something that runs use cases until it dies; what is dead runs nothing more, whatever promise it waited for. */
export interface Process {
  readonly name: string;
  isDead(): boolean;
  /** Resolves at once in a process that runs, later in a frozen one, never in a dead one. */
  awake(): Promise<void>;
  freeze(): void;
  /** Kills it; the promise never settles, so that whoever awaits it has stopped there. */
  crash(): Promise<never>;
  /** What a call without an answer does to its caller. */
  hang(giveUp: Error): Promise<never>;
  onDeath(listener: () => void): void;
  /** Calls whose effect may still come. */
  underway: number;
  /** Its work was acknowledged: from here on it may be frozen or gone. */
  acknowledged: boolean;
}

export interface ProcessOptions {
  readonly name: string;
  readonly time: VirtualTime;
  /** Whoever hangs is killed from outside, as a function at its timeout is; else its calls have a deadline. */
  readonly hangsForEver: boolean;
}

export function startProcess({ name, time, hangsForEver }: ProcessOptions): Process {
  const listeners: (() => void)[] = [];
  let dead = false;
  let frozenUntil = 0;

  const process: Process = {
    name,
    underway: 0,
    acknowledged: false,
    isDead: () => dead,
    async awake() {
      while (!dead && frozenUntil > time.now()) await time.sleep(frozenUntil - time.now());
      if (dead) await never();
    },
    freeze() {
      frozenUntil = time.now() + stallMs;
    },
    crash() {
      if (!dead) {
        dead = true;
        for (const listener of listeners) listener();
      }
      return never();
    },
    async hang(giveUp) {
      if (hangsForEver) return never();
      await time.sleep(callDeadlineMs);
      await process.awake();
      throw giveUp;
    },
    onDeath: (listener) => void listeners.push(listener),
  };
  return process;
}

function never(): Promise<never> {
  return new Promise(() => {});
}
