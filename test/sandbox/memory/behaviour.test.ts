import { expect, test } from 'vitest';
import { tinyPython } from '../../../src/sandbox/memory/behaviour.ts';

const write = (atMs: number, text: string) => ({ atMs, stream: 'stdout', bytes: new TextEncoder().encode(text) });

test.each([
  ['', { durationMs: 0, writes: [] }],
  ['import sys\nprint("a b")', { durationMs: 0, writes: [write(0, 'a b\n')] }],
  ['print("a")\ntime.sleep(1.5)\nprint("b")', { durationMs: 1500, writes: [write(0, 'a\n'), write(1500, 'b\n')] }],
  ['time.sleep(1)\nsys.exit(3)\nprint("never")', { durationMs: 1000, writes: [], exitCode: 3 }],
  ['sys.exit(256)', { durationMs: 0, writes: [], exitCode: 0 }],
  ['print("up")\nwhile True:\n    pass', { durationMs: 'forever', writes: [write(0, 'up\n')] }],
  ['while True: pass', { durationMs: 'forever', writes: [] }],
])('tinyPython reads %j', (code, behaviour) => {
  expect(tinyPython(code)).toEqual(behaviour);
});
