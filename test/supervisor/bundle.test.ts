import { expect, it } from 'vitest';
import { writeBundle } from '../../src/supervisor/bundle.ts';

const program = {
  code: Buffer.from('print(1)'),
  args: [],
  env: {},
  timeoutSeconds: 300,
  maxStdoutBytes: 5,
  maxStderrBytes: 7,
};

it('writes a bundle of named parts with their lengths in bytes, code last', () => {
  const bundle = writeBundle({ ...program, args: ['é', ''], env: { A: '1\n2' }, stdin: Buffer.from([0, 255]) });
  expect(Buffer.from(bundle).toString('latin1')).toBe(
    'gke-code-executor bundle 1\ntimeout 6\n300000\nstdout 1\n5\nstderr 1\n7\n' +
      'arg 2\n\xc3\xa9\narg 0\n\nenv 5\nA=1\n2\nstdin 2\n\x00\xff\noutputs 31\n^(?:\\.results\\.jsonl)(?![\\s\\S])\nroom 1\n0\ncode 8\nprint(1)\n',
  );
});

it.each([
  [1.2345, '1235'],
  [0.0001, '1'],
])('writes a time limit of %d s as %s ms', (timeoutSeconds, milliseconds) => {
  expect(String(writeBundle({ ...program, timeoutSeconds }))).toContain(`\n${milliseconds}\nstdout`);
});
