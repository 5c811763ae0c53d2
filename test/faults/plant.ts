import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutants.ts';

export interface Hunt {
  readonly caught: boolean;
  /** What noticed it, or why nothing could. */
  readonly by: string;
}

/** What the quick part exits with when it noticed something; a suite that broke down exits with 1, and proves nothing. */
export const noticed = 3;

const root = fileURLToPath(new URL('../..', import.meta.url));
/** A hunt that takes longer has lost its way. Milliseconds. */
const timeLimitMs = 180_000;

/** Plants a mutant into a copy of the sources and runs the quick part of the suite there. */
export function hunt(mutant: Mutant): Promise<Hunt> {
  return inCopy(async (copy) => {
    const file = join(copy, mutant.file);
    const source = await readFile(file, 'utf8');
    const places = source.split(mutant.from).length - 1;
    if (places !== 1) {
      const by = `its text is ${places} times in ${mutant.file}: the mutant must be brought up to date`;
      return { caught: false, by };
    }
    const planted = source.replace(mutant.from, () => mutant.to);
    await writeFile(file, planted);
    return runQuickPart(copy, mutant.name);
  });
}

/** Runs the quick part in a copy where nothing was planted; tells why it would say nothing about mutants. */
export function huntNothing(): Promise<string | undefined> {
  return inCopy(async (copy) => {
    const { code, by } = await runQuickPart(copy, '');
    return code === 0 ? undefined : by;
  });
}

/** Works on a copy of the sources, which is deleted. */
async function inCopy<T>(work: (copy: string) => Promise<T>): Promise<T> {
  const copy = await mkdtemp(join(tmpdir(), 'mutant-'));
  try {
    await copySources(copy);
    return await work(copy);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function copySources(copy: string): Promise<void> {
  const isSource = (path: string) => !/\/(?:node_modules|kubernetes|wasm|sqlite|firestore)$/.test(path);
  for (const folder of ['src', 'test/faults']) {
    await cp(join(root, folder), join(copy, folder), { recursive: true, filter: isSource });
  }
  await cp(join(root, 'package.json'), join(copy, 'package.json'));
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
}

interface QuickRun extends Hunt {
  readonly code: number | null;
}

async function runQuickPart(copy: string, name: string): Promise<QuickRun> {
  const child = spawn(process.execPath, ['--no-warnings', join(copy, 'test/faults/quick.ts'), name], {
    timeout: timeLimitMs,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code]: (number | null)[] = await closed;
  const said = `${out}${err}`.trim().split('\n').slice(0, 4).join('\n');
  return { code: code ?? null, caught: code === noticed, by: said || `it exited with ${code}` };
}
