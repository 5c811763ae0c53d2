/** Does one work after the other, each whatever became of those before, and throws the first error at the end. */
export async function inTurn(...works: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const work of works) await work().catch((error: unknown) => void errors.push(error));
  if (errors.length > 0) throw errors[0];
}
