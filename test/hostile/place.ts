import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '../../src/embedded.ts';
import { InvalidRequestError } from '../../src/errors.ts';
import type { Executor } from '../../src/executor.ts';
import type { Seen } from './judge.ts';
import { defaults, type Program, type SandboxName } from './program.ts';

/** The whole pipeline in this process, with a store of its own, over one of the real sandboxes. */
export interface Place extends AsyncDisposable {
  readonly executor: Executor;
  run(program: Pick<Program, 'language' | 'code' | 'request'>, patienceSeconds: number): Promise<Seen>;
  /** What the pipeline had to try again. */
  readonly errors: readonly string[];
}

export interface PlaceOptions {
  readonly sandbox: SandboxName;
  readonly namespace?: string;
}

export async function openPlace(options: PlaceOptions): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), 'hostile-'));
  const errors: string[] = [];
  const embedded = await openEmbedded({
    ...options,
    store: join(directory, 'executions.sqlite'),
    onError: (error) => errors.push(String(error)),
  });
  const { executor } = embedded;
  return {
    executor,
    errors,
    run: (program, patienceSeconds) => run(executor, program, patienceSeconds),
    [Symbol.asyncDispose]: async () => {
      await embedded.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function run(
  executor: Executor,
  { language, code, request }: Pick<Program, 'language' | 'code' | 'request'>,
  patienceSeconds: number,
): Promise<Seen> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const id = await submit(executor, { language, code, ...defaults, ...request });
  if (id === undefined) return { kind: 'refused', seconds: seconds() };
  const ended = await executor.wait(id, patienceSeconds);
  const [stdout, stderr] = [await executor.output(id, 'stdout'), await executor.output(id, 'stderr')];
  if (ended === undefined || stdout === undefined || stderr === undefined) throw new Error(`${id} is gone`);
  const seen = { kind: 'recorded', execution: ended, stdout, stderr, seconds: seconds() } as const;
  if (!ended.done) await executor.cancel(id);
  return seen;
}

async function submit(executor: Executor, body: object): Promise<string | undefined> {
  try {
    const { execution } = await executor.submit(body, {});
    return execution.id;
  } catch (error) {
    if (error instanceof InvalidRequestError) return undefined;
    throw error;
  }
}
