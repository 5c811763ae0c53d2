import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of 2 MiB of its own (tmpfs), which only root may mount; undefined where that is not allowed. */
export function smallDisk() {
  const path = mkdtempSync(join(tmpdir(), 'disk-'));
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe', timeout: 10_000 });
  const mount = (options: string) => run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', path);
  try {
    mount('size=2m');
  } catch {
    rmdirSync(path);
    return undefined;
  }
  const filler = join(path, 'filler');
  return {
    path,
    /** Leaves no block free. */
    fill: () => {
      const file = openSync(filler, 'w');
      const { bavail, bsize } = statfsSync(path);
      for (let left = bavail; left > 0; left--) writeSync(file, new Uint8Array(bsize));
      closeSync(file);
    },
    free: () => unlinkSync(filler),
    allowWrites: (allowed: boolean) => mount(allowed ? 'remount,rw' : 'remount,ro'),
    [Symbol.dispose]: () => {
      run('umount', '--lazy', path);
      rmdirSync(path);
    },
  };
}
