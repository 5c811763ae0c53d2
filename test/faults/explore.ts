import type { Decision, Turn } from './race.ts';

/**
 * Tries every order of a race's steps in which turns are taken out of the natural order at most `detours` times: each
 * run tells where another turn was possible, and each of those is tried next, with a theft of the Job before it too.
 */
export async function explore(
  run: (order: string) => Promise<readonly Decision[]>,
  { detours, thefts }: { readonly detours: number; readonly thefts: boolean },
): Promise<void> {
  const todo: { readonly prefix: readonly string[]; readonly left: number }[] = [{ prefix: [], left: detours }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { prefix, left } = next;
    const decisions = await run(prefix.join(''));
    if (left === 0) continue;
    const taken = [...prefix];
    for (const decision of decisions.slice(prefix.length)) {
      for (const other of othersThan(decision)) {
        todo.push({ prefix: [...taken, other], left: left - 1 });
        if (thefts) todo.push({ prefix: [...taken, `t${other}`], left: left - 1 });
      }
      taken.push(decision.taken);
    }
  }
}

function othersThan({ taken, possible }: Decision): readonly Turn[] {
  return possible.filter((other) => other !== taken);
}
