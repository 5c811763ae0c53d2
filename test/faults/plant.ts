import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutants.ts';

export interface Hunt {
  readonly mutant: Mutant;
  readonly caught: boolean;
  /** What noticed it, or why nothing could. */
  readonly by: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
/** A hunt that takes longer has lost its way. Milliseconds. */
const timeLimitMs = 180_000;

/** Plants a mutant into a copy of the sources and runs the quick part of the suite there; the copy is deleted. */
export async function hunt(mutant: Mutant): Promise<Hunt> {
  const copy = await mkdtemp(join(tmpdir(), 'mutant-'));
  try {
    await copySources(copy);
    const file = join(copy, mutant.file);
    const text = await readFile(file, 'utf8');
    const places = text.split(mutant.from).length - 1;
    if (places !== 1) {
      return {
        mutant,
        caught: false,
        by: `its text is ${places} times in ${mutant.file}: the mutant must be brought up to date`,
      };
    }
    await writeFile(
      file,
      text.replace(mutant.from, () => mutant.to),
    );
    return { mutant, ...(await runQuickPart(copy, mutant)) };
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

/** Exit code 1 is a violation; anything else but 0 is a suite that broke down, which proves nothing. */
function runQuickPart(copy: string, { name }: Mutant): Promise<{ readonly caught: boolean; readonly by: string }> {
  const child = spawn(process.execPath, ['--no-warnings', join(copy, 'test/faults/quick.ts'), name], {
    timeout: timeLimitMs,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({
        caught: code === 1 && said.includes(': '),
        by: said.trim().split('\n').slice(0, 6).join('\n') || `exit code ${code}`,
      }),
    );
  });
}
