import { ExecutionOpenError } from '../errors.ts';
import type { State } from '../execution/execution.ts';
import { type Stream, streams } from '../executor.ts';
import type { Resource } from '../resource.ts';
import { connectToStore, type StoreOptions } from './connect.ts';
import { CliError, printable } from './errors.ts';
import { writeOutputFiles } from './files.ts';
import { write } from './write.ts';

/** Prints one execution as JSON. */
export async function get(id: string, options: StoreOptions): Promise<number> {
  const { executor, isAttended, close } = await connectToStore(options);
  try {
    const execution = known(await executor.get(id), id);
    await print(`${JSON.stringify(execution, null, 2)}\n`);
    await noteUnattended([execution], isAttended);
    return 0;
  } finally {
    await close();
  }
}

export interface ListCommandOptions extends StoreOptions {
  readonly state?: State;
  readonly limit: number;
  readonly cursor?: string;
  readonly json?: boolean;
}

/** Prints executions, newest first: a table, or one JSON object per line. */
export async function list(options: ListCommandOptions): Promise<number> {
  const { executor, isAttended, close } = await connectToStore(options);
  try {
    const { executions, next } = await executor.list({
      state: options.state,
      limit: options.limit,
      cursor: options.cursor,
    });
    const rows = options.json ? executions.map((execution) => JSON.stringify(execution)) : table(executions);
    await print(rows.map((row) => `${row}\n`).join(''));
    if (next !== null) process.stderr.write(`more: --cursor ${printable(next)}\n`);
    await noteUnattended(executions, isAttended);
    return 0;
  } finally {
    await close();
  }
}

/** Prints the kept output, each stream on its own. */
export async function logs(id: string, options: StoreOptions & { readonly stream?: Stream }): Promise<number> {
  const { executor, close } = await connectToStore(options);
  try {
    for (const stream of options.stream === undefined ? streams : [options.stream]) {
      await write(process[stream], known(await executor.output(id, stream), id));
    }
    return 0;
  } finally {
    await close();
  }
}

/** Lists the files that came back, size and path, or writes them below a directory. */
export async function files(id: string, options: StoreOptions & { readonly outputDir?: string }): Promise<number> {
  const { executor, close } = await connectToStore(options);
  try {
    const found = known(await executor.files(id), id);
    if (options.outputDir !== undefined) writeOutputFiles(options.outputDir, found);
    else await print(found.map(({ path, bytes }) => `${bytes.length} ${path}\n`).join(''));
    return 0;
  } finally {
    await close();
  }
}

/** Asks an execution to stop and prints its id and state. */
export async function cancel(id: string, options: StoreOptions): Promise<number> {
  const { executor, isAttended, close } = await connectToStore(options);
  try {
    const execution = known(await executor.cancel(id), id);
    await print(`${id} ${execution.state}\n`);
    await noteUnattended([execution], isAttended);
    return 0;
  } finally {
    await close();
  }
}

/** Deletes an execution that has ended, with its code and output, and prints its id. */
export async function remove(id: string, options: StoreOptions): Promise<number> {
  const { executor, isAttended, close } = await connectToStore(options);
  try {
    known((await executor.remove(id)) || undefined, id);
    await print(`${id} deleted\n`);
    return 0;
  } catch (error) {
    if (error instanceof ExecutionOpenError) await noteUnattended([{ done: false }], isAttended);
    throw error;
  } finally {
    await close();
  }
}

/** Else a wish to stop is only written down, and an end is waited for that does not come. */
async function noteUnattended(found: readonly Pick<Resource, 'done'>[], isAttended: () => Promise<boolean>) {
  if (found.every(({ done }) => done) || (await isAttended())) return;
  process.stderr.write(
    'gke-code-executor: no process works on this store now: start `gke-code-executor serve`, or any `run`, with the same --store and --sandbox, which will end it\n',
  );
}

function known<T>(found: T | undefined, id: string): T {
  if (found === undefined) throw new CliError(`execution ${id} not found; see gke-code-executor list`);
  return found;
}

function table(executions: readonly Resource[]): string[] {
  const rows = executions.map(({ id, state, language, acceptedAt, result }) => [
    id,
    state,
    language,
    acceptedAt,
    String(result?.exitCode ?? ''),
  ]);
  const all = [['ID', 'STATE', 'LANGUAGE', 'ACCEPTED', 'EXIT'], ...rows];
  const widths = all.reduce((sizes, row) => row.map((cell, i) => Math.max(cell.length, sizes[i] ?? 0)), [0]);
  return all.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function print(text: string): Promise<void> {
  return write(process.stdout, Buffer.from(text));
}
