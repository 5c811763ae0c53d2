import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnSandbox } from '../../../src/sandbox/wasm/spawn.ts';

// A process that has descriptors left for a file, and none for the pipes of a child; later it has.
const held: number[] = [];
try {
  for (;;) held.push(openSync('/dev/null', 'r'));
} catch {
  for (const descriptor of held.splice(0, 4)) closeSync(descriptor);
}
try {
  spawnSandbox('javascript');
} catch (error) {
  process.stdout.write(`${error}\n`);
}
await sleep(50);
for (const descriptor of held) closeSync(descriptor);
const child = spawnSandbox('javascript');
await child.ready;
await child.kill();
process.stdout.write('ready\n');
