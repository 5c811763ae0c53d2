import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { command, stateDirectory } from './command.ts';

const state = stateDirectory();
afterAll(() => state[Symbol.dispose]());

interface Example {
  /** As it stands after `run examples/`. */
  readonly line: string;
  readonly prints?: string;
  readonly says?: string;
  readonly exits?: number;
}

const examples: readonly Example[] = [
  { line: 'primes.py -- 20', prints: '2 3 5 7 11 13 17 19\n', says: '8 primes below 20\n' },
  {
    line: 'report.py --stdin examples/sales.csv',
    prints: 'north       140.00\nsouth        80.00\nwest          5.25\ntotal       225.25\n',
  },
  {
    line: `chart.py --file examples/sales.csv --output *.svg --output-dir ${state.path}`,
    prints: '3 bars, the longest is 140.00\n',
  },
  { line: 'summarize.js --stdin examples/orders.json', prints: '{"orders":3,"spent":{"Ada":36,"Bo":5}}\n' },
  { line: 'words.js --stdin LICENSE -- 2', prints: '100 the\n69 or\n' },
  { line: 'divisible.py -- 91 7' },
  { line: 'divisible.py -- 91 6', exits: 1 },
  {
    line: 'divisible.py -- 91 0',
    says: 'usage: divisible.py NUMBER DIVISOR (integer modulo by zero)\n',
    exits: 64,
  },
];

describe('each example does what it says', () => {
  it.each(examples)('$line', async ({ line, prints = '', says = '', exits = 0 }) => {
    const ran = await command(['run', '--store', state.store, ...`examples/${line}`.split(' ')]);
    expect(ran).toMatchObject({ stdout: Buffer.from(prints), stderr: Buffer.from(says), code: exits });
  });

  it('and none is left out', () => {
    const programs = readdirSync('examples').filter((name) => /\.(py|js)$/.test(name));
    const ran = new Set(examples.map(({ line }) => line.split(' ')[0]));
    expect([...ran].toSorted()).toEqual(programs.toSorted());
  });
});
