// Runs inside QuickJS: console, and node:util's format.

import { host } from './guest-host.js';
import { inspect } from './guest-inspect.js';

const [stdout, stderr] = [1, 2];
const counts = new Map();
const timers = new Map();
let indentation = '';

/** Fills in %s, %d, %i, %f, %j, %o, %O, %c and %%, and appends what is left. */
export function format(...args) {
  if (typeof args[0] !== 'string') return args.map(plain).join(' ');
  const [template, ...values] = args;
  const isTemplate = values.length > 0;
  const text = template.replace(/%[sdifjoOc%]/g, (directive) => {
    if (directive === '%%') return isTemplate ? '%' : directive;
    return values.length === 0 ? directive : directives[directive](values.shift());
  });
  return [text, ...values.map(plain)].join(' ');
}

const plain = (value) => (typeof value === 'string' ? value : inspect(value));

const directives = {
  '%s': (value) => (typeof value === 'object' && value !== null ? inspect(value, { depth: 0 }) : shownText(value)),
  '%d': (value) =>
    typeof value === 'bigint' ? `${value}n` : shownText(typeof value === 'object' ? Number.NaN : Number(value)),
  '%i': (value) => (typeof value === 'bigint' ? `${value}n` : shownText(Number.parseInt(value, 10))),
  '%f': (value) => shownText(Number.parseFloat(value)),
  '%j': (value) => JSON.stringify(value),
  '%o': (value) => inspect(value, { depth: 4 }),
  '%O': (value) => inspect(value, { depth: 4 }),
  '%c': () => '',
};

const shownText = (value) => (typeof value === 'string' ? value : inspect(value));

function print(descriptor, text) {
  host.write(descriptor, `${indentation}${text.replaceAll('\n', `\n${indentation}`)}\n`);
}

const out = (...args) => print(stdout, format(...args));
const error = (...args) => print(stderr, format(...args));

function elapsed(label) {
  const started = timers.get(String(label));
  return started === undefined ? undefined : `${label}: ${(performance.now() - started).toFixed(3)}ms`;
}

export const console = {
  log: out,
  info: out,
  debug: out,
  error,
  warn: error,
  trace: (...args) => error(`Trace: ${format(...args)}\n${new Error().stack.split('\n').slice(2).join('\n')}`),
  dir: (value, options) => out(inspect(value, options)),
  table: (rows, columns) => out(tableText(rows, columns)),
  assert: (condition, ...args) => {
    if (condition) return;
    if (typeof args[0] === 'string') error(`Assertion failed: ${args[0]}`, ...args.slice(1));
    else error('Assertion failed', ...args);
  },
  group: (...args) => {
    if (args.length > 0) out(...args);
    indentation += '  ';
  },
  groupEnd: () => {
    indentation = indentation.slice(2);
  },
  count: (label = 'default') => {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    out(`${label}: ${counts.get(label)}`);
  },
  countReset: (label = 'default') => counts.delete(label),
  time: (label = 'default') => timers.set(String(label), performance.now()),
  timeLog: (label = 'default', ...args) => out(elapsed(label) ?? '', ...args),
  timeEnd: (label = 'default') => {
    out(elapsed(label) ?? '');
    timers.delete(String(label));
  },
};
console.groupCollapsed = console.group;

function tableText(rows, columns) {
  if (typeof rows !== 'object' || rows === null) return plain(rows);
  const entries = Object.entries(rows);
  const isRecord = (row) => typeof row === 'object' && row !== null;
  const keys = columns ?? [...new Set(entries.flatMap(([, row]) => (isRecord(row) ? Object.keys(row) : [])))];
  const hasValues = columns === undefined && entries.some(([, row]) => !isRecord(row));
  const cell = (row, key) => (isRecord(row) && Object.hasOwn(row, key) ? inspect(row[key], { depth: 0 }) : '');
  const head = ['(index)', ...keys, ...(hasValues ? ['Values'] : [])];
  const body = entries.map(([index, row]) => {
    const value = isRecord(row) ? '' : inspect(row, { depth: 0 });
    return [index, ...keys.map((key) => cell(row, key)), ...(hasValues ? [value] : [])];
  });
  return drawTable(head, body);
}

function drawTable(head, body) {
  const widths = head.map((name, column) => Math.max(name.length, ...body.map((row) => row[column].length)) + 2);
  const rule = (left, middle, right) => left + widths.map((width) => '─'.repeat(width)).join(middle) + right;
  const line = (cells) => `│${cells.map((text, column) => ` ${text}`.padEnd(widths[column])).join('│')}│`;
  return [rule('┌', '┬', '┐'), line(head), rule('├', '┼', '┤'), ...body.map(line), rule('└', '┴', '┘')].join('\n');
}
